import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { linkFolder } from "./link-folder.js";

/** A change of a text below `src`. */
export interface Edit {
  /** What it replaces; occurs once in all of `src`, which is how its file is found. */
  readonly replace: string;
  readonly by: string;
}

/** A build that differs from the package's own in some places of its sources. Nothing that is published can be switched to it. */
export interface EditedBuild {
  /** Names its folder. */
  readonly name: string;
  /** They are made in order, each in what the one before left. */
  readonly edits: readonly Edit[];
}

/** Where test builds are: below what is published, and never part of it. */
const FOLDER = join(PACKAGE_ROOT, ".toolgate", "test-builds");

/**
 * The edited sources by file, from the package's folder: `src/sdk/request.ts`.
 *
 * @throws Error when a text that is replaced does not occur exactly once.
 */
export function editSources({ name, edits }: EditedBuild): Map<string, string> {
  const sources = new Map(sourcesBelow("src"));
  const edited = new Map<string, string>();
  for (const { replace, by } of edits) {
    const places = [...sources].filter(([, text]) => text.includes(replace));
    const [place] = places;
    if (place === undefined || places.length > 1 || place[1].split(replace).length > 2) {
      const files = places.map(([file]) => file).join(", ") || "no file";
      throw new Error(`The build ${name} does not fit: this must occur once, and does in ${files}: ${replace}`);
    }
    const [file, text] = place;
    sources.set(
      file,
      text.replace(replace, () => by),
    );
    edited.set(file, sources.get(file) ?? "");
  }
  return edited;
}

function sourcesBelow(folder: string): [file: string, text: string][] {
  return readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|lua)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(PACKAGE_ROOT, path), readFileSync(path, "utf8")]);
}

/**
 * The edited sources of each build as JavaScript, by file, in one run of the project's own compiler.
 *
 * @throws Error when one does not parse, with what the compiler says.
 */
export function compileEdited(builds: readonly EditedBuild[]): Map<string, Map<string, string>> {
  const work = join(FOLDER, `compile-${process.pid}`);
  const [sources, built] = [join(work, "in"), join(work, "out")];
  const edited = builds.map(({ name, edits }) => ({ name, files: editSources({ name, edits }) }));
  try {
    for (const { name, files } of edited) {
      for (const [path, text] of files) {
        const file = join(sources, name, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
    }
    // Types are the business of the unedited build: a file is looked at alone.
    const compilerOptions = {
      noCheck: true,
      noResolve: true,
      noEmit: false,
      rootDir: sources,
      outDir: built,
      types: [],
    };
    const files = edited.flatMap(({ name, files }) =>
      [...files.keys()].filter((file) => file.endsWith(".ts")).map((file) => join(sources, name, file)),
    );
    const project = join(work, "tsconfig.json");
    writeFileSync(
      project,
      JSON.stringify({ extends: join(PACKAGE_ROOT, "tsconfig.json"), compilerOptions, files, include: [] }),
    );
    const compiler = join(PACKAGE_ROOT, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
    if (status !== 0) throw new Error(`Edited sources do not compile:\n${stdout}${stderr}`);
    return new Map(
      edited.map(({ name, files }) => [
        name,
        // Lua is read as it is.
        new Map(
          [...files].map(([file, text]) => [
            file,
            file.endsWith(".ts") ? readFileSync(join(built, name, javascriptOf(file)), "utf8") : text,
          ]),
        ),
      ]),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Puts edited files into a copy of the build; the folder that holds the copy comes back.
 *
 * @param version what its manifest says; the package's own version unless given
 */
export function makeTestBuild(name: string, javascript: ReadonlyMap<string, string>, version?: string): string {
  const root = join(FOLDER, `${name}-${process.pid}`);
  rmSync(root, { recursive: true, force: true });
  linkFolder(join(PACKAGE_ROOT, "dist"), join(root, "dist"));
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as object; // our own
  writeFileSync(
    join(root, "package.json"),
    JSON.stringify(version === undefined ? manifest : { ...manifest, version }),
  );
  symlinkSync(join(PACKAGE_ROOT, "proto"), join(root, "proto"));
  for (const [file, text] of javascript) {
    const target = join(root, "dist", javascriptOf(file));
    rmSync(target); // not the build's own file, to which it is a link
    writeFileSync(target, text);
  }
  return root;
}

/** Removes a test build. */
export function removeTestBuild(root: string): void {
  if (relative(FOLDER, root).startsWith("..")) throw new Error(`${root} is no test build.`);
  rmSync(root, { recursive: true, force: true });
}

function javascriptOf(file: string): string {
  return file.replace(/\.ts$/, ".js");
}
