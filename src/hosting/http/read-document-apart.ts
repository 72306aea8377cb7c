import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Json } from "../../json/json.js";
import { printable } from "../server-log.js";
import { readDocument } from "./read-document.js";

/** What the worker is given. */
export interface WorkerDocument {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** What it answers. */
export type WorkerAnswer =
  | { readonly kind: "read"; readonly value: Json }
  | { readonly kind: "refused"; readonly message: string };

/** Shorter documents are read where they are wanted: that takes no longer than a worker takes to start. In bytes. */
const SMALL_BYTES = 32_768;
/** How long a document may take, in milliseconds. YAML takes some seconds for a megabyte. */
const TIMEOUT_MS = 60_000;
const MAX_HEAP_MB = 1_024;

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../../../dist/src/hosting/http/document-worker.js" : "./document-worker.js",
  import.meta.url,
);

/**
 * Reads a document as `readDocument` does, in a worker where it is long: a mount reads it again while calls run, and its sessions must
 * answer heartbeats meanwhile.
 *
 * @throws as `readDocument`; also INVALID_CONFIG when it takes too long, or too much memory
 */
export async function readDocumentApart(bytes: Buffer, name: string): Promise<Json> {
  if (bytes.length <= SMALL_BYTES) return await readDocument(bytes, name);
  const given: WorkerDocument = { bytes, name };
  const worker = new Worker(ENTRY, {
    workerData: given,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: 64 },
    // It reads what strangers wrote: no settings, no secrets, no flags of this process.
    env: {},
    argv: [],
    execArgv: [],
    name: "toolgate-document",
  });
  try {
    const [answer] = (await once(worker, "message", { signal: AbortSignal.timeout(TIMEOUT_MS) })) as [WorkerAnswer]; // ours
    if (answer.kind === "read") return answer.value;
    throw new ToolgateError("INVALID_CONFIG", answer.message);
  } catch (error) {
    if (error instanceof ToolgateError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The document ${printable(name, 300)} cannot be read in ${TIMEOUT_MS / 1_000} s and ${MAX_HEAP_MB} MiB: ${printable(why, 200)}.`,
    );
  } finally {
    await worker.terminate();
  }
}
