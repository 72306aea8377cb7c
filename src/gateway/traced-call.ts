import type { CallSpan } from "../observe/traces/node-spans.js";
import type { NodeTraces } from "../observe/traces/node-traces.js";
import type { CallSpec } from "./call-spec.js";

/** How agents make calls. */
export type CallRpc = "CallTool" | "Invoke" | "Session";

/** A call that is traced. */
export interface TracedSpec {
  /** The call with its node's span as the parent of what comes after. */
  readonly spec: CallSpec;
  readonly span: CallSpan;
}

/** Begins the spans of a call; undefined where it is not traced. One of the methods that end them has to be called. */
export function traceCall(traces: NodeTraces | undefined, rpc: CallRpc, spec: CallSpec): TracedSpec | undefined {
  if (traces === undefined || !traces.samples(spec.meta.traceparent)) return undefined;
  const { traceparent, tracestate, toolCallId, sessionId } = spec.meta;
  const span = traces.call({
    rpc: `toolgate.v1.Gateway/${rpc}`,
    ...{ toolset: spec.toolset, tool: spec.tool, toolCallId, conversation: sessionId, transport: spec.transport },
    context: { traceparent, tracestate },
  });
  if (span === undefined) return undefined;
  return { spec: { ...spec, meta: { ...spec.meta, traceparent: span.traceparent } }, span };
}
