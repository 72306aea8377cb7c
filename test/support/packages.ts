import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { environment } from "../../src/config/environment.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { readPackageManifest } from "../../tools/package/package-manifest.js";
import { type StagedPackages, stagePackages } from "../../tools/package/packages.js";
import "./provided.js";

/** A project elsewhere than the tree, with the packages that are published as npm installs them. */
export interface ConsumerProject {
  readonly folder: string;
  /** The packages' own folders in it. */
  readonly packages: StagedPackages;
  remove(): Promise<void>;
}

/**
 * Makes a project that has `toolgate`, `toolgate-sdk` and what their manifests ask for, without a network: their dependencies are those
 * of the tree.
 *
 * @param more further packages of the tree that the project is to have
 */
export async function consumerProject(more: readonly string[] = []): Promise<ConsumerProject> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-consumer-"));
  const modules = join(folder, "node_modules");
  const packages: StagedPackages = { sdk: join(modules, "toolgate-sdk"), server: join(modules, "toolgate") };
  const staged = await stagedOnce();
  await cp(staged.sdk, packages.sdk, { recursive: true });
  await cp(staged.server, packages.server, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const name of more) await link(join(modules, name), name);
  // In their own folders, so that neither finds what only the other asks for.
  for (const own of [packages.sdk, packages.server]) {
    for (const name of Object.keys(readPackageManifest(own).dependencies)) {
      if (name !== "toolgate-sdk") await link(join(own, "node_modules", name), name);
    }
  }
  return { folder, packages, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The packages' files, staged by the first test file of a run that asks for them; npm takes seconds to list them. */
async function stagedOnce(): Promise<StagedPackages> {
  const whole = join(inject("runFolder"), "staged");
  if (!existsSync(whole)) {
    const mine = await mkdtemp(`${whole}-`);
    await stagePackages(thisMachine(environment().PATH ?? ""), PACKAGE_ROOT, mine);
    // Another file may have been as quick; what it has staged is the same.
    await rename(mine, whole).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  }
  return { sdk: join(whole, "sdk"), server: join(whole, "server") };
}

async function link(path: string, name: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(join(PACKAGE_ROOT, "node_modules", name), path);
}
