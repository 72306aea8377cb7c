import { getPriority, setPriority } from "node:os";
import { getHeapStatistics } from "node:v8";
import { parentPort } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { exactNumbers } from "../json/exact-numbers.js";
import type { Json } from "../json/json.js";
import { asBuffer } from "../json/read-json.js";
import type { CompiledSchema } from "./compiler.js";
import { estimateCost } from "./estimate-cost.js";
import { inspectSchema } from "./inspect-schema.js";
import { prepareSchema } from "./prepare-schema.js";
import { cpuTimeOf, threadName } from "./thread-clock.js";
import {
  MAX_PREPARED,
  type WorkerAnswer,
  type WorkerReady,
  type WorkerReply,
  type WorkerRequest,
} from "./worker-messages.js";

/**
 * The worker in which schemas that may be hostile are compiled and validate values. It has a heap limit, and is ended from outside
 * when a request takes more work than it may; so it holds nothing that cannot be lost.
 */

/** How much a value's part counts when it is decided whether all of its faults are reported: the schema's rates are not known. */
const RATES = { perValue: 50, perChar: 0 };
const ENOUGH = 1_000_000;
/** The most faults or notes of one schema that are sent: a schema may have 100,000, and an event loop reads the answer. */
const MAX_FINDINGS = 1_000;

/** How much less pressing its work is than the event loop's: where both want one core, the loop gets nine tenths of it. */
const YIELDS_BY = 10;
const LEAST_PRIORITY = 19;

const prepared = new LRUCache<string, CompiledSchema>({ max: MAX_PREPARED });

function answer(request: WorkerRequest): WorkerReply {
  switch (request.kind) {
    case "inspect": {
      const inspected = inspectSchema(request.schema, request.limits, request.options);
      return inspected.kind === "sound"
        ? { kind: "inspected", faults: [], notes: inspected.notes.slice(0, MAX_FINDINGS) }
        : { kind: "inspected", faults: inspected.faults.slice(0, MAX_FINDINGS), notes: [] };
    }
    case "prepare": {
      const made = prepareSchema(request.schema, request.limits, request.options);
      if (made.kind === "refused") return { kind: "refused", faults: made.faults.slice(0, MAX_FINDINGS) };
      prepared.set(request.key, made.compiled);
      return { kind: "prepared", inline: made.inline };
    }
    case "validate": {
      const compiled = prepared.get(request.key);
      if (compiled === undefined) return { kind: "unprepared" };
      const bytes = asBuffer(request.bytes);
      const value: Json = JSON.parse(bytes.toString("utf8")); // it was read before
      const numbers = compiled.exactNumbers ? exactNumbers({ bytes, value }) : undefined;
      return { kind: "validated", validation: compiled.check(value, estimateCost(value, RATES, ENOUGH), numbers) };
    }
    default:
      return request satisfies never;
  }
}

const thread = threadName();
yieldToTheLoop();

parentPort?.on("message", (request: WorkerRequest) => {
  const reply = answer(request);
  const { total_heap_size: heapBytes } = getHeapStatistics();
  parentPort?.postMessage({ reply, spentMs: cpuTimeOf(thread), heapBytes } satisfies WorkerAnswer);
});
parentPort?.postMessage({ thread } satisfies WorkerReady);

/** Linux, which tells threads by numbers, has a priority for each of them; elsewhere one is the whole process's. */
function yieldToTheLoop(): void {
  if (thread === "") return;
  try {
    const id = Number(thread);
    setPriority(id, Math.min(LEAST_PRIORITY, getPriority(id) + YIELDS_BY));
  } catch {
    // It works at the process's priority.
  }
}
