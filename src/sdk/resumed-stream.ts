import type { ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Nodes } from "./nodes.js";
import type { NodeClients } from "./remote-node.js";
import { mayRetryElsewhere, readError } from "./request.js";
import type { Timing } from "./timing.js";

/** A stream that lived so long counts as one that worked, in milliseconds. */
const GOOD_AFTER_MS = 1000;

export interface ResumeOptions {
  readonly signal: AbortSignal;
  /** How long to look for a node after a loss, in milliseconds. */
  readonly patienceMs: number;
  readonly timing: Timing;
  /** What the caller may see has changed: what was seen before is no place to go on from. */
  readonly onAccessChanged?: () => void;
}

/**
 * A server stream that outlives its node: `open` is called again, on another node, whenever the stream was lost or the
 * server ended it, and has to ask for what comes after the last thing seen. The reader has to recognise the end.
 */
export async function* resumedStream<Message>(
  nodes: Nodes,
  open: (clients: NodeClients, metadata: Metadata) => ClientReadableStream<Message>,
  { signal, patienceMs, timing, onAccessChanged }: ResumeOptions,
): AsyncGenerator<Message, never, void> {
  let lost: { readonly atMs: number; readonly error?: ToolgateError } = { atMs: timing.monotonicMs() };
  let renewedKey = false;
  for (;;) {
    const node = await acquire(nodes, signal, lost.atMs + patienceMs, lost.error);
    const openedAtMs = timing.monotonicMs();
    let answered = false;
    const { keyVersion } = node;
    const stream = open(node.clients, node.metadata());
    stream.on("error", () => {}); // the loop below reads errors; one that comes after the loop was left has no reader
    const onAbort = () => stream.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    let error: ToolgateError | undefined;
    try {
      for await (const message of stream) {
        nodes.succeeded(node);
        answered = true;
        renewedKey = false;
        yield message as Message; // grpc-js types what a stream iterates over as any
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isServiceError(thrown)) throw thrown;
      error = readError(thrown, node.address, node.keyOrigin);
      if (error.reason === "UNAUTHENTICATED" && !renewedKey && node.renewKey(keyVersion)) {
        renewedKey = true;
        continue;
      }
      if (!isPassing(error)) throw error;
      if (error.reason === "ACCESS_CHANGED") onAccessChanged?.();
    } finally {
      signal.removeEventListener("abort", onAbort);
      stream.cancel();
    }
    signal.throwIfAborted();
    // A change of what may be seen is no failure of the node, unless it reports one after the other.
    if (error?.reason !== "ACCESS_CHANGED" || !answered) nodes.failed(node, error?.message ?? "it ended the stream");
    // A stream that was quiet for long was a good one all the same; one that fails again and again wears patience out.
    const now = timing.monotonicMs();
    const wasGood = answered || now - openedAtMs >= GOOD_AFTER_MS;
    lost = { atMs: wasGood ? now : lost.atMs, ...(error === undefined ? {} : { error }) };
  }
}

async function acquire(nodes: Nodes, signal: AbortSignal, giveUpAtMs: number, lastError: ToolgateError | undefined) {
  try {
    return await nodes.acquire({ signal, giveUpAtMs });
  } catch (error) {
    if (lastError?.reason === "STORE_UNAVAILABLE" && !signal.aborted) throw lastError; // it says more
    throw error;
  }
}

/** Reading again does no harm: a store that is away for a while is waited for as well, and a reader that was too slow comes back. */
function isPassing(error: ToolgateError): boolean {
  return ["STORE_UNAVAILABLE", "LIMIT_EXCEEDED"].includes(error.reason) || mayRetryElsewhere(error, true);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error && !(error instanceof ToolgateError);
}
