import { Worker } from "bullmq";

/** BullMQ's worker: each job's result is its input. Arguments: Redis as `host:port`, the queue's name. */

const [address = "", queue = ""] = process.argv.slice(2);
const [host = "", port = ""] = address.split(":");
const worker = new Worker(queue, async (job) => job.data, {
  connection: { host, port: Number(port) },
  concurrency: 256,
});
worker.on("error", (error) => console.error(error.message));
await worker.waitUntilReady();
console.log(JSON.stringify({ event: "serving" }));
