import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../src/local-cluster/machine.js";
import { BUILT_SDK, SDK_ENTRY } from "./built-sdk.js";
import { closureOf } from "./module-closure.js";
import { readPackageManifest } from "./package-manifest.js";
import { stageSdk } from "./stage-sdk.js";
import { stageServer } from "./stage-server.js";

/** The folders of the packages that are published: the server's and the SDK's. */
export interface StagedPackages {
  readonly sdk: string;
  readonly server: string;
}

/**
 * Writes the files of both packages.
 *
 * @param root the project, built
 * @param folder where the two folders are made
 */
export async function stagePackages(machine: Machine, root: string, folder: string): Promise<StagedPackages> {
  const project = readPackageManifest(root);
  const closure = closureOf(join(root, BUILT_SDK), SDK_ENTRY);
  const staged: StagedPackages = { sdk: join(folder, "sdk"), server: join(folder, "server") };
  await stageSdk(root, staged.sdk, closure, project);
  stageServer(root, await publishedFiles(machine, root), staged.server, closure, project);
  return staged;
}

/**
 * Makes the tarball of a staged package.
 *
 * @param destination the folder that it is put into
 * @returns the tarball's path
 */
export async function packStaged(machine: Machine, staged: string, destination: string): Promise<string> {
  mkdirSync(destination, { recursive: true });
  await npm(machine, ["pack", "--silent", "--ignore-scripts", "--pack-destination", destination, staged]);
  const { name, version } = readPackageManifest(staged);
  return join(destination, `${name}-${version}.tgz`);
}

/** What `files` of package.json names. */
async function publishedFiles(machine: Machine, root: string): Promise<string[]> {
  const listed = await npm(machine, ["pack", "--dry-run", "--json", "--ignore-scripts", root]);
  const [{ files }] = JSON.parse(listed) as [{ readonly files: readonly { readonly path: string }[] }]; // npm's own form
  return files.map(({ path }) => path);
}

async function npm(machine: Machine, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await machine.run("npm", args);
  if (status !== 0) throw new Error(`npm ${args.join(" ")} ended with status ${status}:\n${stdout}${stderr}`);
  return stdout;
}
