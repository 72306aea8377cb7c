import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What agents and providers import. */
export type Sdk = typeof import("../../src/index.js");

/**
 * Loads the SDK that agents and providers are to use: this build's own, or that of another build.
 *
 * @param root the folder of the other build
 */
export async function loadSdk(root: string | undefined): Promise<Sdk> {
  if (root === undefined) return await import("../../src/index.js");
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: { readonly ".": { readonly default: string } };
  }; // a package of ours, as its users see it
  const entry = pathToFileURL(join(root, manifest.exports["."].default)).href;
  return (await import(entry)) as Sdk; // an older or newer one: what is used of it is what is promised to stay
}
