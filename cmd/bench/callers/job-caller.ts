import { Queue, QueueEvents } from "bullmq";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";

/** How long outcomes are kept, in seconds: as long as Toolgate keeps them. */
export const JOB_KEPT_S = 600;

/** BullMQ: a job is added, and its result awaited. The toolset is the queue, the tool the job's name. */
export async function jobCaller({ address, toolset, tool, payload }: CallTarget): Promise<Caller> {
  const [host = "", port = ""] = address.split(":");
  const connection = { host, port: Number(port) };
  const queue = new Queue(toolset, { connection });
  const events = new QueueEvents(toolset, { connection });
  events.setMaxListeners(0);
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const input: unknown = JSON.parse(payload);
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
