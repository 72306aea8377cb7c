import { NatsConnection } from "../nats.js";
import type { Caller, CallTarget } from "./caller.js";

/** NATS JetStream: a call is over when the stream has acknowledged the request and the worker has answered it. */
export async function natsCaller({ address, toolset, payload }: CallTarget): Promise<Caller> {
  const nats = await NatsConnection.open(address);
  const bytes = Buffer.from(payload);
  const me = `caller-${process.pid}`;
  const pending = new Map<string, { readonly onEnd: (error: Error | undefined) => void; missing: number }>();
  let last = 0;
  const arrived = (subject: string, error?: Error): void => {
    const id = subject.slice(subject.lastIndexOf(".") + 1);
    const call = pending.get(id);
    if (call === undefined || (--call.missing > 0 && error === undefined)) return;
    pending.delete(id);
    call.onEnd(error);
  };
  nats.subscribe(`answer.${toolset}.${me}.*`, ({ subject }) => arrived(subject));
  nats.subscribe(`stored.${me}.*`, ({ subject, payload }) => {
    const refused = payload.includes('"error"') ? new Error(`the stream answers ${payload.toString()}`) : undefined;
    arrived(subject, refused);
  });
  return {
    call(onEnd) {
      const id = String(++last);
      pending.set(id, { onEnd, missing: 2 });
      nats.publish(`${toolset}.${me}.${id}`, bytes, `stored.${me}.${id}`);
    },
  };
}
