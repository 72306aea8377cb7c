import { type CallOptions, type ClientUnaryCall, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ERROR_CODES } from "../errors/codes.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { causeOf, DETAILS_TRAILER, fromServiceError } from "../protocol/status-details.js";
import type { Nodes } from "./nodes.js";
import type { Node, NodeClients } from "./remote-node.js";

/** A request is given up when it was sent this often, and lost its node each time: it may be what takes them down. */
export const MAX_SENDS = 6;

/** Codes that the transport makes up when a connection or a stream breaks. */
const BROKEN: readonly status[] = [status.UNAVAILABLE, status.INTERNAL, status.UNKNOWN, status.CANCELLED];

/**
 * What a node answered with, or what became of the connection to it: then NODE_UNREACHABLE, which names the node.
 *
 * @param keyOrigin where the credential came from that was sent; absent where none was
 */
export function readError(error: ServiceError, address: string, keyOrigin?: string): ToolgateError {
  const read = fromServiceError(error);
  if (read.reason === "UNAUTHENTICATED") return withKeyAdvice(read, keyOrigin);
  if (error.metadata?.get(DETAILS_TRAILER).length > 0 || !BROKEN.includes(error.code)) return read;
  const message = `The connection to the node ${address} broke, or could not be made: ${error.details}`;
  const executed = read.reason === "NODE_UNREACHABLE" ? read.executed : "unknown";
  return new ToolgateError("NODE_UNREACHABLE", message, { executed, cause: causeOf(error) });
}

/** Whether another node may be asked the same: always after a refusal, otherwise only what can be repeated. */
export function mayRetryElsewhere(error: ToolgateError, repeatable: boolean): boolean {
  return ERROR_CODES[error.reason].retry === "elsewhere" && (error.executed === "no" || repeatable);
}

/** Sends one unary request. */
export type Send<Answer> = (
  clients: NodeClients,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, answer?: Answer) => void,
) => ClientUnaryCall;

export interface SendOptions {
  readonly signal: AbortSignal;
  /** When to give up, by the monotonic clock. */
  readonly giveUpAtMs: number;
  /** The same request twice does no harm. */
  readonly repeatable: boolean;
  /** How long one node may take, in milliseconds; then it counts as lost. Absent waits for ever. */
  readonly attemptMs?: number;
  /** Called for each node that is lost with the request under way. */
  readonly onNodeLost?: () => void;
}

/**
 * Asks one node after the other until one answers. One that refuses the credential is asked once more, where there may be another one.
 *
 * @throws ToolgateError what a node answered with; NODE_UNREACHABLE when none does. The signal's reason when it aborts.
 */
export async function sendRequest<Answer>(nodes: Nodes, send: Send<Answer>, options: SendOptions): Promise<Answer> {
  const { signal, giveUpAtMs, repeatable, attemptMs, onNodeLost } = options;
  // What was sent before may have had its effect, whatever becomes of the next attempt.
  let mayHaveRun = false;
  let lostNodes = 0;
  let renewedKey = false;
  const withExecution = (error: unknown): unknown =>
    mayHaveRun && error instanceof ToolgateError ? withExecutedUnknown(error) : error;
  for (;;) {
    let node: Node;
    try {
      node = await nodes.acquire({ signal, giveUpAtMs });
    } catch (error) {
      throw withExecution(error);
    }
    const { keyVersion } = node;
    try {
      const answer = await sendToNode(node, send, signal, attemptMs);
      nodes.succeeded(node);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ToolgateError && error.reason === "UNAUTHENTICATED" && !renewedKey) {
        renewedKey = true;
        if (node.renewKey(keyVersion)) continue;
      }
      if (!(error instanceof ToolgateError) || !mayRetryElsewhere(error, repeatable)) throw withExecution(error);
      nodes.failed(node, error.message, error.retryAfterMs);
      if (error.executed === "no") continue;
      mayHaveRun = true;
      if (error.reason !== "NODE_UNREACHABLE") continue;
      if (++lostNodes >= MAX_SENDS) throw withExecution(error);
      onNodeLost?.();
    }
  }
}

/** The node cannot know where the credential came from, and so not what its user has to change. */
function withKeyAdvice(error: ToolgateError, keyOrigin: string | undefined): ToolgateError {
  const advice =
    keyOrigin === undefined
      ? "No key was sent: set TOOLGATE_KEY or TOOLGATE_KEY_FILE, or pass the option key (--key-file on the command line). An administrator makes one with `toolgate access key create`."
      : `What was sent is ${keyOrigin}.`;
  const { reason, message, executed, metadata } = error;
  return new ToolgateError(reason, `${message} ${advice}`, { executed, metadata, cause: error });
}

function withExecutedUnknown(error: ToolgateError): ToolgateError {
  const { reason, message, retryAfterMs, violations, metadata } = error;
  const advice = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new ToolgateError(reason, message, { executed: "unknown", violations, metadata, ...advice, cause: error });
}

/** Asks this one node, once. @throws as `sendRequest` does. */
export function sendToNode<Answer>(
  node: Node,
  send: Send<Answer>,
  signal: AbortSignal,
  attemptMs: number | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted(); // a node may have been looked for since this was asked last
    const deadline = attemptMs === undefined ? {} : { deadline: Date.now() + attemptMs }; // grpc-js takes deadlines by the wall clock only
    const startedMs = performance.now();
    const onAbort = () => call.cancel();
    const call = send(node.clients, node.metadata(), deadline, (error, answer) => {
      signal.removeEventListener("abort", onAbort);
      if (error === null && answer !== undefined) return resolve(answer);
      if (error === null) return reject(new ToolgateError("INTERNAL", `The node ${node.address} answered nothing.`));
      reject(
        attemptMs === undefined
          ? readError(error, node.address, node.keyOrigin)
          : timedOut(error, node, startedMs, attemptMs),
      );
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** A node that let an attempt's time pass counts as lost; a deadline that it answered with is an answer. */
function timedOut(error: ServiceError, node: Node, startedMs: number, attemptMs: number): ToolgateError {
  const read = readError(error, node.address, node.keyOrigin);
  const answered = error.metadata?.get(DETAILS_TRAILER).length > 0;
  if (error.code !== status.DEADLINE_EXCEEDED || answered || performance.now() - startedMs < attemptMs - 50)
    return read;
  const message = `The node ${node.address} did not answer within ${attemptMs} ms.`;
  return new ToolgateError("NODE_UNREACHABLE", message, { executed: "unknown", cause: causeOf(error) });
}
