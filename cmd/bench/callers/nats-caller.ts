import { NatsConnection } from "../nats.js";
import type { Caller, CallTarget } from "./caller.js";

/** NATS JetStream: a call is over when the stream has acknowledged the request and the worker has answered it. */
export async function natsCaller({ address, toolset, payload }: CallTarget): Promise<Caller> {
  const nats = await NatsConnection.open(address);
  const bytes = Buffer.from(payload);
  const pending = new Map<string, { readonly onEnd: () => void; missing: number }>();
  let last = 0;
  const arrived = (subject: string): void => {
    const id = subject.slice(subject.lastIndexOf(".") + 1);
    const call = pending.get(id);
    if (call === undefined || --call.missing > 0) return;
    pending.delete(id);
    call.onEnd();
  };
  nats.subscribe(`answer.${toolset}.caller.*`, ({ subject }) => arrived(subject));
  nats.subscribe("stored.*", ({ subject }) => arrived(subject));
  return {
    call(onEnd) {
      const id = String(++last);
      pending.set(id, { onEnd: () => onEnd(undefined), missing: 2 });
      nats.publish(`${toolset}.caller.${id}`, bytes, `stored.${id}`);
    },
  };
}
