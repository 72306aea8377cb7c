import { Queue, QueueEvents } from "bullmq";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";

/** How long outcomes are kept, in seconds: as long as Toolgate keeps them. */
export const JOB_KEPT_S = 600;
/** How long the end of a first job is listened for before another one is made, in milliseconds. */
const HEARD_WITHIN_MS = 500;

/** BullMQ: a job is added, and its result awaited. The toolset is the queue, the tool the job's name. */
export async function jobCaller({ address, toolset, tool, payload }: CallTarget): Promise<Caller> {
  const [host = "", port = ""] = address.split(":");
  const connection = { host, port: Number(port) };
  const queue = new Queue(toolset, { connection });
  const events = new QueueEvents(toolset, { connection });
  events.setMaxListeners(0);
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const input: unknown = JSON.parse(payload);
  await untilHeard();
  /** Events are read from now on, and "now" is some time after they are said to be ready: what ends before that is never told. */
  async function untilHeard(): Promise<void> {
    let heard = false;
    events.once("completed", () => {
      heard = true;
    });
    while (!heard) {
      const job = await queue.add(tool, input, { removeOnComplete: true });
      await job.waitUntilFinished(events, HEARD_WITHIN_MS).catch(() => {}); // not heard yet
    }
  }

  return {
    call(onEnd) {
      queue
        .add(tool, input, { removeOnComplete: { age: JOB_KEPT_S }, removeOnFail: { age: JOB_KEPT_S } })
        .then((job) => job.waitUntilFinished(events, CALL_TIMEOUT_MS))
        .then(
          () => onEnd(undefined),
          (error: unknown) => onEnd(error instanceof Error ? error : new Error(String(error))),
        );
    },
  };
}
