import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { compare, satisfies } from "semver";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { SDK } from "../../package/stage-sdk.js";
import { type Build, readManifest } from "./build.js";
import { runTool } from "./run-tool.js";

/** Where releases are recorded, as tarballs: what upgrades start from. */
export const RELEASES = join(PACKAGE_ROOT, "test", "fixtures", "releases");

/** Where they are unpacked: below the package, so that its dependencies serve them too. */
const UNPACKED = join(PACKAGE_ROOT, ".toolgate", "releases");

const TARBALL = /^toolgate-(\d.*)\.tgz$/;

/** The tarball of the SDK that a release's server imports; undefined where the release is one package. */
export function sdkTarballOf(tarball: string): string | undefined {
  const path = join(dirname(tarball), basename(tarball).replace(TARBALL, `${SDK}-$1.tgz`));
  return path !== tarball && existsSync(path) ? path : undefined;
}

/** The tarball of the last release that is recorded; undefined when none is. */
export function lastRelease(folder: string = RELEASES): string | undefined {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => TARBALL.test(name)) : [];
  const version = (name: string): string => TARBALL.exec(name)?.[1] ?? "0.0.0";
  const last = names.sort((a, b) => compare(version(a), version(b))).at(-1);
  return last === undefined ? undefined : join(folder, last);
}

/**
 * Makes a release runnable, once: it is unpacked, and where this package's dependencies are not those that it asks for, it gets its own
 * from npm's registry.
 */
export async function unpackRelease(tarball: string, machine: Machine): Promise<Build> {
  const sdk = sdkTarballOf(tarball);
  const hash = createHash("sha256");
  for (const packed of [tarball, ...(sdk === undefined ? [] : [sdk])]) hash.update(readFileSync(packed));
  const digest = hash.digest("hex").slice(0, 16);
  const root = join(UNPACKED, digest);
  if (!existsSync(root)) {
    mkdirSync(UNPACKED, { recursive: true });
    const work = mkdtempSync(join(UNPACKED, "next-"));
    try {
      await runTool(machine, "tar", ["-xzf", tarball, "-C", work]);
      const unpacked = join(work, "package");
      const own = sdk === undefined ? undefined : join(unpacked, "node_modules", SDK);
      if (own !== undefined && sdk !== undefined) {
        mkdirSync(own, { recursive: true });
        await runTool(machine, "tar", ["-xzf", sdk, "-C", own, "--strip-components=1"]);
      }
      if (![unpacked, ...(own === undefined ? [] : [own])].every(servedByOurs)) {
        const packages = sdk === undefined ? [] : ["--no-save", sdk];
        const install = [
          "install",
          ...packages,
          "--prefix",
          unpacked,
          "--omit=dev",
          "--omit=optional",
          "--no-audit",
          "--no-fund",
        ];
        await runTool(machine, "npm", [...install, "--no-package-lock", "--ignore-scripts", "--loglevel=error"]);
      }
      putInPlace(unpacked, root);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const { version } = readManifest(root);
  return { name: version, version, root };
}

/** Whether every dependency that a package asks for, the SDK left out, is met by what this package has. */
function servedByOurs(root: string): boolean {
  return Object.entries(readManifest(root).dependencies).every(([name, range]) => {
    if (name === SDK) return true;
    const ours = join(PACKAGE_ROOT, "node_modules", name);
    return existsSync(join(ours, "package.json")) && satisfies(readManifest(ours).version, range);
  });
}

/** Of two that unpack at once, the first one's stays. */
function putInPlace(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
