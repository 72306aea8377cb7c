import { connect } from "nats";
import { ChurnMap } from "../../../src/async/churn-map.js";
import type { Caller, CallTarget } from "./caller.js";

/**
 * NATS JetStream, by its own client: a call is over when the stream has acknowledged the request and the worker has answered it.
 */
export async function natsCaller({ address, toolset, payload }: CallTarget): Promise<Caller> {
  const nats = await connect({ servers: address });
  void nats.closed().then(() => process.exit(1)); // nothing can be measured any more
  const jetstream = nats.jetstream();
  const bytes = Buffer.from(payload);
  const me = `caller-${process.pid}`;
  const pending = new ChurnMap<string, { readonly onEnd: (error: Error | undefined) => void; missing: number }>();
  let last = 0;
  const arrived = (id: string, error?: Error): void => {
    const call = pending.get(id);
    if (call === undefined || (--call.missing > 0 && error === undefined)) return;
    pending.delete(id);
    call.onEnd(error);
  };
  nats.subscribe(`answer.${toolset}.${me}.*`, {
    callback: (error, { subject }) => arrived(subject.slice(subject.lastIndexOf(".") + 1), error ?? undefined),
  });
  return {
    call(onEnd) {
      const id = String(++last);
      pending.set(id, { onEnd, missing: 2 });
      jetstream.publish(`${toolset}.${me}.${id}`, bytes).then(
        () => arrived(id),
        (error: Error) => arrived(id, error),
      );
    },
  };
}
