import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { cpuClockOf, cpuTimeOf, measureThread, threadName } from "../../src/schemas/thread-clock.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const workers: Worker[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.terminate())));

/** A worker that says what its thread is called, and then does what it is told. */
async function start(then: string): Promise<{ readonly worker: Worker; readonly thread: string }> {
  const say = `
    const { parentPort } = require("node:worker_threads");
    let name = "";
    try { name = require("node:fs").readlinkSync("/proc/thread-self").split("/").at(-1); } catch {}
    parentPort.postMessage(name);
    ${then}`;
  const worker = new Worker(say, { eval: true });
  workers.push(worker);
  const [thread] = await once(worker, "message");
  return { worker, thread };
}

async function passes(clock: () => number, ms: number): Promise<void> {
  const from = clock();
  while (clock() - from < ms) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("work counts, whether the system tells it of a thread or not", async () => {
  const { worker, thread } = await start("for (;;);");
  await passes(cpuClockOf(worker, thread), 50);
  await passes(cpuClockOf(worker, ""), 5);
});

test("time does not, where the system tells: a thread that sleeps does no work", async () => {
  if (threadName() === "") return; // it does not tell here
  const [{ thread: busy, worker: spinning }, { thread: idle, worker: sleeping }] = await Promise.all([
    start("for (;;);"),
    start("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
  ]);
  const [clock, other] = [cpuClockOf(spinning, busy), cpuClockOf(sleeping, idle)];
  const before = other();
  await passes(clock, 300);
  expect(other() - before).toBeLessThan(100);
});

test("of a thread that is gone nothing is told any more", async () => {
  const { worker, thread } = await start("setInterval(() => {}, 1_000);");
  const clock = cpuClockOf(worker, thread);
  const last = clock();
  await worker.terminate();
  expect(cpuTimeOf(thread)).toBeUndefined();
  expect(clock()).toBeGreaterThanOrEqual(last);
  expect(cpuTimeOf("")).toBeUndefined();
});

test("what this thread does is measured by its work, not by the time that others had of the machine", async () => {
  if (threadName() === "") return; // the system does not tell here
  const sinceMs = performance.now();
  const tookMs = measureThread();
  // The thread waits, as it does for a core.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  expect(tookMs()).toBeLessThan(100);
  expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(299);
  const worked = measureThread();
  const cpuMs = cpuTimeOf(threadName()) ?? 0;
  while ((cpuTimeOf(threadName()) ?? 0) - cpuMs < 60);
  expect(worked()).toBeGreaterThan(40);
});
