import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, relative } from "node:path";
import { environment } from "../../../src/config/environment.js";
import { type Machine, thisMachine } from "../../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { SDK } from "../../package/stage-sdk.js";
import { readManifest } from "./build.js";
import { RELEASES, unpackRelease } from "./recorded-release.js";
import { packRelease } from "./release-tarball.js";
import { runTool } from "./run-tool.js";

/**
 * `npm run release:record`: packs this version as a release that later builds are upgraded from, and keeps it in the repository.
 * Exit status: 0 recorded, 1 it is not fit to be one.
 */

const { PATH: path = "" } = environment();
const machine = thisMachine(path);
const again = process.argv.includes("--again");
const folder = join(PACKAGE_ROOT, ".toolgate", `record-${process.pid}`);
try {
  const faults = await record();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Records the release; what kept it from that comes back. */
async function record(): Promise<string[]> {
  const faults = await faultsOfTree(machine);
  if (faults.length > 0) return faults;
  const { server, sdk } = await packRelease(machine, folder);
  const wrong = await faultsOfTarballs(machine, server, sdk);
  if (wrong.length > 0) return wrong;
  mkdirSync(RELEASES, { recursive: true });
  for (const tarball of [server, sdk]) {
    const kept = join(RELEASES, basename(tarball));
    copyFileSync(tarball, kept);
    console.log(`Recorded ${relative(PACKAGE_ROOT, kept)}, ${Math.round(readFileSync(kept).length / 1_024)} KiB.`);
  }
  return [];
}

/** What keeps the working tree from being a release. */
async function faultsOfTree(machine: Machine): Promise<string[]> {
  const { version } = readManifest(PACKAGE_ROOT);
  const inLock = readJson("package-lock.json") as { readonly version?: string }; // npm's own
  const changes = await runTool(machine, "git", ["-C", PACKAGE_ROOT, "status", "--porcelain"]);
  const recorded = join(RELEASES, `toolgate-${version}.tgz`);
  const changelog = readFileSync(join(PACKAGE_ROOT, "CHANGELOG.md"), "utf8");
  return [
    ...(changes === "" ? [] : ["The working tree has changes: commit them first."]),
    ...(inLock.version === version ? [] : [`package-lock.json says ${inLock.version}, and package.json ${version}.`]),
    ...(changelog.includes(`\n## [${version}]`) ? [] : [`CHANGELOG.md has no heading for ${version}.`]),
    ...(existsSync(recorded) && !again ? [`${version} is recorded already; --again takes its place.`] : []),
  ];
}

/** What is wrong with a release's tarballs: it must run, and tell nothing of the machine that it was packed on. */
async function faultsOfTarballs(machine: Machine, server: string, sdk: string): Promise<string[]> {
  const { root, version } = await unpackRelease(server, machine);
  const places = [
    { tarball: server, at: root },
    { tarball: sdk, at: join(root, "node_modules", SDK) },
  ];
  const telling: string[] = [];
  for (const { tarball, at } of places) {
    for (const file of (await runTool(machine, "tar", ["-tzf", tarball])).trim().split("\n")) {
      const text = file.endsWith("/") ? "" : readFileSync(join(at, file.replace(/^package\//, "")), "utf8");
      if (text.includes(PACKAGE_ROOT) || text.includes(`${homedir()}/`)) telling.push(`${basename(tarball)}: ${file}`);
    }
  }
  const { status, stdout, stderr } = await machine.run(process.execPath, [
    join(root, "dist", "cmd", "toolgate.js"),
    "--version",
  ]);
  return [
    ...telling.map((file) => `${file} names a folder of this machine.`),
    ...(status === 0 && stdout.trim() === version ? [] : [`It does not run: ${stdout}${stderr}`]),
  ];
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(PACKAGE_ROOT, file), "utf8"));
}
