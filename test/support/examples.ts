import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { environment } from "../../src/config/environment.js";
import { SET_UP_MS } from "./toolchains.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of what another project would have of this one: the examples and the proto files. */
export interface ExamplesCopy {
  readonly folder: string;
  /** Runs the commands that docs/clients.md gives under a name, as they are written there. */
  run(name: string, options?: { readonly path?: readonly string[] }): Promise<void>;
  remove(): Promise<void>;
}

/** Copies them into a folder of their own; what was generated in the repository is left out. */
export async function copyExamples(): Promise<ExamplesCopy> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-examples-"));
  const isSource = (path: string): boolean =>
    !/examples\/(python-provider\/(toolgate|\.venv)|go-agent\/gen)\b/.test(path);
  for (const part of ["examples", "proto"]) {
    await cp(join(root, part), join(folder, part), { recursive: true, filter: isSource });
  }
  return {
    folder,
    run: async (name, { path = [] } = {}) => {
      const { PATH = "" } = environment();
      const searched = [...path, join(root, "node_modules", ".bin"), PATH].join(delimiter);
      const commands = await commandsOf(name);
      const options = { cwd: folder, env: { ...environment(), PATH: searched }, timeout: SET_UP_MS };
      await promisify(execFile)("sh", ["-ec", commands], options);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The block of commands that stands behind `<!-- run: NAME -->`. */
async function commandsOf(name: string): Promise<string> {
  const text = await readFile(join(root, "docs", "clients.md"), "utf8");
  const block = text.split(`<!-- run: ${name} -->\n\`\`\`sh\n`)[1]?.split("```")[0];
  if (block === undefined) throw new Error(`docs/clients.md has no commands named ${name}`);
  return block;
}

/** What an example's requirements.txt names. */
export async function requirementsOf(example: string): Promise<string[]> {
  const text = await readFile(join(root, "examples", example, "requirements.txt"), "utf8");
  return text.split("\n").filter((line) => line !== "");
}
