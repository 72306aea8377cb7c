import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { environment } from "../../src/config/environment.js";
import { type CommandResult, thisMachine } from "../../src/local-cluster/machine.js";
import type { RealServer } from "./real-server.js";

/** Downloads of browsers that servers would make at installation: none of the calls needs one. */
const NO_DOWNLOADS = {
  PUPPETEER_SKIP_DOWNLOAD: "1",
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
} as const;
const LAST_CHARACTERS = 400;

/** Thrown when a server's package cannot be installed. */
export class InstallError extends Error {
  override readonly name = "InstallError";
}

/**
 * Installs a server's package at its version into a folder of its own, once; a later run finds it there.
 *
 * @param root the folder below which all servers are installed.
 * @returns the path of the server's program.
 * @throws InstallError with the end of what the package manager printed.
 */
export async function installServer(server: RealServer, root: string): Promise<string> {
  const folder = join(root, server.from, `${server.package.replace("/", "__")}@${server.version}`);
  const program = join(folder, server.from === "npm" ? "node_modules/.bin" : "bin", server.program);
  const stamp = join(folder, ".installed");
  if (await exists(stamp)) return program;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (server.from === "npm") await fromNpm(server, folder);
  else await fromPyPI(server, folder);
  if (!(await exists(program)))
    throw new InstallError(`${server.package} ${server.version} has no program ${server.program}`);
  await writeFile(stamp, "");
  return program;
}

async function fromNpm({ package: name, version, also = [] }: RealServer, folder: string): Promise<void> {
  await writeFile(join(folder, "package.json"), '{"private": true}\n');
  await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", `${name}@${version}`, ...also]);
}

async function fromPyPI({ package: name, version, also = [] }: RealServer, folder: string): Promise<void> {
  await run("python3", ["-m", "venv", folder]);
  await run(join(folder, "bin", "pip"), [
    ...["install", "--quiet", "--disable-pip-version-check", `${name}==${version}`, ...also],
  ]);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const machine = thisMachine(environment().PATH ?? "");
  const { status, stdout, stderr }: CommandResult = await machine.run(command, args, {
    env: { ...environment(), ...NO_DOWNLOADS },
  });
  if (status === 0) return;
  const said = (stderr.trim() || stdout.trim()).slice(-LAST_CHARACTERS);
  throw new InstallError(`${command} ${args[0]} failed (${status}): ${said}`);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
