import { createHash } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { EgressError } from "../../egress/egress-error.js";
import type { EgressGuardOptions } from "../../egress/egress-guard.js";
import { createGuardedFetch } from "../../egress/guarded-fetch.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { printable } from "../server-log.js";
import { OpenApiDocument } from "./openapi-document.js";
import { MAX_DOCUMENT_BYTES } from "./read-document.js";
import { readDocumentApart } from "./read-document-apart.js";

/** How often a file is looked at without a notification of a change, in milliseconds: not all file systems tell. */
const LOOK_EVERY_MS = 10_000;
const FETCH_TIMEOUT_MS = 30_000;

/** A document that was read. */
export interface SourceDocument {
  readonly document: OpenApiDocument;
  /** Of its bytes. */
  readonly digest: string;
}

/** The URL of a document that is fetched; undefined of one that is a file. */
export function urlOfSource(source: string): string | undefined {
  return /^https?:\/\//i.test(source) ? source : undefined;
}

/**
 * Reads a document from a file, or from a URL that the guard lets through.
 *
 * @throws ToolgateError INVALID_CONFIG when it cannot be read, or is no document
 */
export async function readSource(source: string, guard: EgressGuardOptions): Promise<SourceDocument> {
  const url = urlOfSource(source);
  const bytes = url === undefined ? await readBounded(source) : await fetchDocument(url, guard);
  const name = url === undefined ? source : new URL(url).pathname;
  const document = new OpenApiDocument(await readDocumentApart(bytes, name), source);
  return { document, digest: createHash("sha256").update(bytes).digest("hex") };
}

/**
 * Calls back when a file may have changed: its folder is watched, since files are replaced, and mounted ones by a link. Whether the
 * content is another one is the caller's to see.
 *
 * @returns what ends it.
 */
export function watchSource(source: string, onChange: () => void): () => void {
  if (urlOfSource(source) !== undefined) return () => {};
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(resolve(source)), { persistent: false }, onChange);
    watcher.on("error", () => {}); // it is looked at in any case
  } catch {
    // The same.
  }
  const looking = setInterval(onChange, LOOK_EVERY_MS);
  looking.unref();
  return () => {
    watcher?.close();
    clearInterval(looking);
  };
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    if (size > MAX_DOCUMENT_BYTES) throw invalid(path, `is longer than ${MAX_DOCUMENT_BYTES} bytes`);
    return await file.readFile();
  } catch (error) {
    if (error instanceof ToolgateError) throw error;
    throw invalid(path, `cannot be read: ${printable(error instanceof Error ? error.message : String(error), 300)}`);
  }
}

async function fetchDocument(url: string, guard: EgressGuardOptions): Promise<Buffer> {
  const fetch = createGuardedFetch({ ...guard, timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_DOCUMENT_BYTES });
  try {
    return await fetch.get(url, "application/json, application/yaml;q=0.9, */*;q=0.5");
  } catch (error) {
    if (error instanceof EgressError) throw invalid(url, `cannot be fetched: ${error.message}`);
    throw error;
  } finally {
    await fetch.stop();
  }
}

function invalid(source: string, why: string): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", `The document ${printable(source, 300)} ${why}.`);
}
