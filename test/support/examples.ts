import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { environment } from "../../src/config/environment.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { blocksOf, namedCommands } from "./page-blocks.js";
import { type Running, startProgram } from "./start-program.js";
import { SET_UP_MS } from "./toolchains.js";

/** A copy of what another project would have of this one: the examples and the proto files. */
export interface ExamplesCopy {
  readonly folder: string;
  /** Runs the commands that a page gives under a name, as they are written there. */
  run(page: string, name: string, options?: { readonly path?: readonly string[] }): Promise<void>;
  remove(): Promise<void>;
}

/** Copies them into a folder of their own; what was generated in the repository is left out. */
export async function copyExamples(): Promise<ExamplesCopy> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-examples-"));
  const isSource = (path: string): boolean => !/examples\/(python\/(toolgate|\.venv)|go\/gen)\b/.test(path);
  for (const part of ["examples", "proto"]) {
    await cp(join(PACKAGE_ROOT, part), join(folder, part), { recursive: true, filter: isSource });
  }
  return {
    folder,
    run: async (page, name, { path = [] } = {}) => {
      const cwd = page.startsWith("examples/") ? join(folder, page, "..") : folder;
      const options = { cwd, env: { ...environment(), PATH: searched(path) }, timeout: SET_UP_MS };
      await promisify(execFile)("sh", ["-ec", namedCommands(page, name)], options);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface ExampleOptions {
  /** The cluster's nodes. */
  readonly nodes: string;
  /** The examples' folder; this repository's unless given. */
  readonly folder?: string;
  /** Folders that are looked through before PATH. */
  readonly path?: readonly string[];
  /** Other variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts what an example's README gives under a name, in its folder. */
export function startExample(
  example: string,
  name: string,
  { nodes, folder, path = [], env = {} }: ExampleOptions,
): Running {
  return startProgram("sh", ["-ec", `exec ${namedCommands(`examples/${example}/README.md`, name)}`], {
    cwd: join(folder ?? PACKAGE_ROOT, "examples", example),
    env: { TOOLGATE_NODES: nodes, PATH: searched(path), ...env },
  });
}

/** What an example's README says that its agent prints. */
export function saidOutput(example: string): string {
  const [block, ...more] = blocksOf(`examples/${example}/README.md`).filter(({ language }) => language === "text");
  if (block === undefined || more.length > 0) throw new Error(`examples/${example} must show one output`);
  return block.text;
}

/** What an example's requirements.txt names. */
export async function requirementsOf(example: string): Promise<string[]> {
  const text = await readFile(join(PACKAGE_ROOT, "examples", example, "requirements.txt"), "utf8");
  return text.split("\n").filter((line) => line !== "");
}

function searched(path: readonly string[]): string {
  const { PATH = "" } = environment();
  return [...path, join(PACKAGE_ROOT, "node_modules", ".bin"), PATH].join(delimiter);
}
