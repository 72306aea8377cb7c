import { parentPort, workerData } from "node:worker_threads";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { readDocument } from "./read-document.js";
import type { WorkerAnswer, WorkerDocument } from "./read-document-apart.js";

/** The worker of read-document-apart.ts: reads one document, answers, and ends. */

const { bytes, name } = workerData as WorkerDocument; // what that file gives it

async function read(): Promise<WorkerAnswer> {
  try {
    return { kind: "read", value: await readDocument(Buffer.from(bytes), name) };
  } catch (error) {
    if (!(error instanceof ToolgateError)) throw error;
    return { kind: "refused", message: error.message };
  }
}

parentPort?.postMessage(await read());
