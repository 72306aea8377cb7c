import { AckPolicy, connect, RetentionPolicy, StorageType } from "nats";

/**
 * The baseline of a stream in memory without a gateway: NATS JetStream keeps each request until this worker acknowledges it.
 * The answer goes to the caller, whose name and number are in the subject. Arguments: the server's `host:port`, the stream.
 */

const [address = "", stream = ""] = process.argv.slice(2);
const nats = await connect({ servers: address });
void nats.closed().then(() => process.exit(1)); // nothing can be measured any more
const manager = await nats.jetstreamManager();
await manager.streams.add({
  name: stream,
  subjects: [`${stream}.>`],
  storage: StorageType.Memory,
  retention: RetentionPolicy.Workqueue,
});
await manager.consumers.add(stream, {
  durable_name: "worker",
  ack_policy: AckPolicy.Explicit,
  max_ack_pending: 20_000,
});
const worker = await nats.jetstream().consumers.get(stream, "worker");
await worker.consume({
  max_messages: 1_000,
  callback(message) {
    nats.publish(`answer.${message.subject}`, message.data);
    message.ack();
  },
});
console.log(JSON.stringify({ event: "serving" }));
