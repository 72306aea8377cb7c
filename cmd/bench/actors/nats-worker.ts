import { NatsConnection } from "../nats.js";

/**
 * The baseline of a stream in memory without a gateway: NATS JetStream keeps each request until this worker acknowledges it.
 * The answer goes to the caller, whose name and number are in the subject. Arguments: the server's `host:port`, the stream.
 */

const [address = "", stream = ""] = process.argv.slice(2);
const nats = await NatsConnection.open(address);
const subject = `${stream}.>`;
await nats.ask(`$JS.API.STREAM.CREATE.${stream}`, {
  name: stream,
  subjects: [subject],
  storage: "memory",
  retention: "workqueue",
});
nats.subscribe("deliver", ({ subject, reply, payload }) => {
  nats.publish(`answer.${subject}`, payload);
  nats.publish(reply, "+ACK");
});
await nats.ask(`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.worker`, {
  stream_name: stream,
  config: { durable_name: "worker", deliver_subject: "deliver", ack_policy: "explicit", max_ack_pending: 20_000 },
});
console.log(JSON.stringify({ event: "serving" }));
