import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { PACKAGE_ROOT } from "../../local/package-root.js";
import type { Mutant } from "./mutants.js";

/** Where mutants are built: below what is published, and never part of it. */
const FOLDER = join(PACKAGE_ROOT, ".toolgate", "mutants");

/** A mutant's edited source. @throws Error when a text that it replaces does not occur exactly once. */
export function mutate(mutant: Mutant): string {
  const { name, file, also } = mutant;
  let source = readFileSync(join(PACKAGE_ROOT, file), "utf8");
  for (const { replace, by } of also === undefined ? [mutant] : [mutant, also]) {
    const parts = source.split(replace);
    if (parts.length !== 2) {
      throw new Error(`The mutant ${name} does not fit: what it replaces occurs ${parts.length - 1} times in ${file}.`);
    }
    source = parts.join(by);
  }
  return source;
}

/**
 * The edited sources as JavaScript, by mutant, in one run of the project's own compiler.
 *
 * @throws Error when one does not parse, with what the compiler says.
 */
export function compileMutants(mutants: readonly Mutant[]): Map<string, string> {
  const work = join(FOLDER, `compile-${process.pid}`);
  const [sources, built] = [join(work, "in"), join(work, "out")];
  try {
    for (const mutant of mutants) {
      const file = join(sources, mutant.name, mutant.file);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, mutate(mutant));
    }
    // Types are the business of the unmutated build: a file is looked at alone.
    const compilerOptions = {
      noCheck: true,
      noResolve: true,
      noEmit: false,
      rootDir: sources,
      outDir: built,
      types: [],
    };
    const files = mutants.map(({ name, file }) => join(sources, name, file));
    const project = join(work, "tsconfig.json");
    writeFileSync(
      project,
      JSON.stringify({ extends: join(PACKAGE_ROOT, "tsconfig.json"), compilerOptions, files, include: [] }),
    );
    const compiler = join(PACKAGE_ROOT, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
    if (status !== 0) throw new Error(`Mutants do not compile:\n${stdout}${stderr}`);
    return new Map(
      mutants.map(({ name, file }) => [name, readFileSync(join(built, name, file.replace(/\.ts$/, ".js")), "utf8")]),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts a mutated file into a copy of the build; the folder that holds the copy comes back. */
export function makeTestBuild({ name, file }: Mutant, javascript: string): string {
  const root = join(FOLDER, `${name}-${process.pid}`);
  rmSync(root, { recursive: true, force: true });
  linkFolder(join(PACKAGE_ROOT, "dist"), join(root, "dist"));
  copyFileSync(join(PACKAGE_ROOT, "package.json"), join(root, "package.json"));
  symlinkSync(join(PACKAGE_ROOT, "proto"), join(root, "proto"));
  const target = join(root, "dist", file.replace(/\.ts$/, ".js"));
  rmSync(target); // not the build's own file, to which it is a link
  writeFileSync(target, javascript);
  return root;
}

/** Removes a test build. */
export function removeTestBuild(root: string): void {
  if (relative(FOLDER, root).startsWith("..")) throw new Error(`${root} is no test build.`);
  rmSync(root, { recursive: true, force: true });
}

/** A copy that takes no room: hard links where the file system has them. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else if (entry.name.endsWith(".js")) {
      try {
        linkSync(source, target);
      } catch {
        cpSync(source, target);
      }
    }
  }
}
