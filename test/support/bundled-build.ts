import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin, stop } from "esbuild";
import { linkFolder } from "../../tools/chaos/link-folder.js";

/*
 * The tests start more than a thousand processes, and most of what a short life costs is the reading of a thousand small
 * modules: of one second of CPU that a node takes, a bundle of the same modules saves four tenths. What is shipped is the build
 * itself, which runs in `npm start`, from the packages, and in the tests that ask for `PACKAGE_ROOT` or leave the root out.
 */

/** What is run as a process or a thread of its own, and has many modules, below `dist`. */
const ENTRIES = [
  "cmd/toolgate.js",
  "src/hosting/http/document-worker.js",
  "src/local-cluster/supervisor.js",
  "src/schemas/compile-worker.js",
  "tools/bench/main.js",
  "tools/chaos/chaos.js",
  "tools/chaos/drive-load.js",
  "tools/chaos/freezer.js",
  "tools/chaos/serve-tools.js",
];

/**
 * Makes another folder of the package in which these programs are bundles, if that was not done for this very build: all else is
 * linked, so that a program finds there what it finds here.
 *
 * @param root the package's folder, with its `dist`
 * @returns that folder, to be given where another build's `root` may be
 */
export async function bundledBuild(root: string): Promise<string> {
  const all = join(root, ".toolgate", "bundled");
  const own = join(all, keyOf(root));
  if (existsSync(own)) return own;
  const next = join(all, `next-${process.pid}`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  for (const name of readdirSync(root)) {
    if (!/^dist\b/.test(name)) symlinkSync(join(root, name), join(next, name));
  }
  const dist = join(root, "dist");
  await build({
    entryPoints: ENTRIES.map((entry) => join(dist, entry)),
    outbase: dist,
    outdir: join(next, "dist"),
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true, // what a command imports only when it needs it stays unread until then
    format: "esm",
    platform: "node",
    target: "node20",
    keepNames: true,
    // Peers are absent where a test takes them away; compilers and baselines bring files of their own.
    external: [...peersOf(root), "esbuild", "bullmq", "nats", "testcontainers"],
    banner: {
      js: 'import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);',
    },
    plugins: [keepPlaces(dist, join(own, "dist")), leaveLateImports],
    logLevel: "error",
  });
  await stop(); // its process would outlive the work
  linkFolder(dist, join(next, "dist"));
  for (const name of readdirSync(all)) {
    if (!name.startsWith("next-")) rmSync(join(all, name), { recursive: true, force: true });
  }
  try {
    renameSync(next, own);
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    if (!existsSync(own)) throw error; // another run of tests was first
  }
  return own;
}

/**
 * Each module goes on to know itself by its place, from which it reads scripts and starts threads: a module of a package by where
 * it is, one of the build by where the bundle's folder has it.
 */
function keepPlaces(dist: string, bundledDist: string): Plugin {
  return {
    name: "keep-places",
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.[cm]?js$/ }, async ({ path }) => {
        const fromDist = relative(dist, path);
        const place = fromDist.startsWith("..") ? path : join(bundledDist, fromDist);
        const url = JSON.stringify(pathToFileURL(place).href);
        const text = (await readFile(path, "utf8")).replaceAll("import.meta.url", url);
        const isPlaced = /\b__(?:dir|file)name\b/.test(text) && !/\b(?:const|let|var) __(?:dir|file)name\b/.test(text);
        if (!isPlaced) return { contents: text, loader: "js" };
        const strict = /^\s*(["'])use strict\1/.test(text) ? '"use strict"; ' : "";
        const names = `var __dirname = ${JSON.stringify(dirname(place))}, __filename = ${JSON.stringify(place)}; `;
        return { contents: strict + names + text, loader: "js" };
      });
    },
  };
}

/** A package that is imported only when it is needed is left where it is: in a chunk of its own, a CommonJS one has no names. */
const leaveLateImports: Plugin = {
  name: "leave-late-imports",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ kind }) => (kind === "dynamic-import" ? { external: true } : undefined));
  },
};

/** Names a bundle by what it is made from; one of a build with type errors, which has no stamp, is made anew each time. */
function keyOf(root: string): string {
  const stamp = join(root, "dist", ".built-from");
  if (!existsSync(stamp)) return `unsound-${process.pid}`;
  return createHash("sha256")
    .update(readFileSync(stamp))
    .update(readFileSync(import.meta.filename))
    .digest("hex");
}

function peersOf(root: string): readonly string[] {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    peerDependencies: Record<string, string>; // as npm writes it
  };
  return Object.keys(peerDependencies);
}
