import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";

/** A build of Toolgate from which nodes can run, and whose SDK agents and providers can use. */
export interface Build {
  /** What people call it: `0.2.0`, `today's`, `a future one`. */
  readonly name: string;
  readonly version: string;
  /** The folder with its package.json. */
  readonly root: string;
}

/** What a package says of itself, as far as it is read here. */
export interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** This package's own build. */
export function todaysBuild(): Build {
  return { name: "today's", version: readManifest(PACKAGE_ROOT).version, root: PACKAGE_ROOT };
}

/** Reads a package's manifest; `root` is the folder that it is in. */
export function readManifest(root: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Partial<Manifest>; // a package's own
  return { version: manifest.version ?? "", dependencies: manifest.dependencies ?? {} };
}
