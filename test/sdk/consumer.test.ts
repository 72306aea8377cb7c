import { execFile } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsumerProject, consumerProject } from "../support/packages.js";

/** The packages' types as a project of its own sees them: through their `exports`. */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = ["arktype", "valibot", "zod", "@valibot/to-json-schema", "@types/node"];
const { resolve } = createRequire(import.meta.url);

let project: ConsumerProject;
let folder: string;

beforeAll(async () => {
  project = await consumerProject(PACKAGES);
  ({ folder } = project);
  const exported = ["toolgate-sdk", "toolgate", "toolgate/testing"].map((name) => `export * from "${name}";`);
  await writeFile(join(folder, "declarations.ts"), exported.join("\n"));
  await copyFile(join(ROOT, "test/sdk/consumer/consumer.ts"), join(folder, "consumer.ts"));
}, 120_000);

afterAll(() => project?.remove());

const COMPILERS = { "5.7": "typescript-5.7/package.json", newest: "typescript/package.json" } as const;
const RESOLUTIONS = { nodenext: "nodenext", bundler: "esnext" } as const;

/** What the compiler says of a file; empty where all is well. */
async function compile(
  file: string,
  compiler: keyof typeof COMPILERS,
  resolution: keyof typeof RESOLUTIONS,
  skipLibCheck: boolean,
): Promise<string> {
  const tsc = join(dirname(resolve(COMPILERS[compiler])), "bin", "tsc");
  const settings = [
    "--noEmit",
    "--declaration",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--types",
    "node",
  ];
  const modules = ["--module", RESOLUTIONS[resolution], "--moduleResolution", resolution];
  const libraries = ["--lib", "es2023,esnext.disposable", "--skipLibCheck", String(skipLibCheck)];
  const args = [tsc, ...settings, ...modules, ...libraries, file];
  return await promisify(execFile)(process.execPath, args, { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

/** Compilers are slow where the machine is busy. */
const TIMEOUT_MS = 300_000;

for (const compiler of ["5.7", "newest"] as const) {
  for (const resolution of ["nodenext", "bundler"] as const) {
    test(`TypeScript ${compiler} infers a consumer's types with module resolution ${resolution}`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      expect(await compile("consumer.ts", compiler, resolution, true)).toBe("");
    });

    test(`TypeScript ${compiler} finds no fault in any declaration with module resolution ${resolution}`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      expect(await compile("declarations.ts", compiler, resolution, false)).toBe("");
    });
  }
}
