import { type IncomingMessage, request } from "node:http";
import { request as requestByTls } from "node:https";
import { splitAddress } from "../../src/config/address.js";
import { DEFAULT_OPS_LISTEN } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { ConnectionTarget } from "../contexts/connection-target.js";
import { HTTPS, keyForListener, placeOf, reachable } from "../contexts/listener.js";

/** How long a listener may take to answer, in milliseconds. */
const PATIENCE_MS = 5_000;
/** The largest answer that is read, in bytes; a scrape of 20,000 tools has 2 MB. */
const MOST_BYTES = 16 * 1_048_576;

/** What the ops listener of a node is asked. */
export interface OpsQuestion {
  readonly method?: "GET" | "PUT";
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  /** The statuses whose answers are wanted; 200 alone when absent. */
  readonly answers?: readonly number[];
}

/** Asks the listeners for operators of nodes (docs/metrics.md). */
export class OpsClient {
  readonly #target: ConnectionTarget;
  readonly #signal: AbortSignal;

  /** @param target how the nodes themselves are reached: their credential is the listeners' too */
  constructor(target: ConnectionTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /**
   * @param address `host:port`, or `https://host:port` where the listener speaks TLS (TOOLGATE_OPS_TLS)
   * @returns the answer's body
   * @throws ToolgateError UNAUTHENTICATED, FORBIDDEN, INVALID_REQUEST as it answered; NODE_UNREACHABLE where there is no answer;
   *   INVALID_CONFIG where the credential would go to another machine in clear
   */
  async ask(address: string, question: OpsQuestion): Promise<string> {
    const { hostPort, isTls } = placeOf(address);
    const key = await keyForListener(this.#target, hostPort, isTls);
    const { status, body } = await this.#send(address, question, key);
    if ((question.answers ?? [200]).includes(status)) return body;
    throw new ToolgateError(
      reasonOf(status),
      `The ops listener at ${address} refuses this: ${body.trim().slice(0, 500)}.`,
    );
  }

  #send(address: string, { method = "GET", path, body }: OpsQuestion, key: string | undefined) {
    const { hostPort, isTls } = placeOf(address);
    const { host, port } = splitAddress(hostPort) ?? { host: "", port: 0 };
    const { tls } = this.#target.options;
    const options = { host, port, path, method, agent: false };
    const headers = {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    };
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)]);
    return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      const failed = (error: unknown): void => {
        reject(this.#signal.aborted ? this.#signal.reason : unreachable(address, error));
      };
      const answered = (answer: IncomingMessage): void => {
        readBody(answer).then((text) => resolve({ status: answer.statusCode ?? 0, body: text }), failed);
      };
      const asking = isTls
        ? requestByTls(
            { ...options, headers, signal, ...(tls?.ca === undefined ? {} : { ca: Buffer.from(tls.ca) }) },
            answered,
          )
        : request({ ...options, headers, signal }, answered);
      asking.on("error", failed);
      asking.end(body);
    });
  }
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_BYTES) throw new Error(`its answer has more than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function reasonOf(
  status: number,
): "UNAUTHENTICATED" | "FORBIDDEN" | "INVALID_REQUEST" | "UNSUPPORTED" | "LIMIT_EXCEEDED" | "INTERNAL" {
  switch (status) {
    case 400:
      return "INVALID_REQUEST";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "UNSUPPORTED"; // an older node
    case 429:
      return "LIMIT_EXCEEDED";
    default:
      return "INTERNAL";
  }
}

function unreachable(address: string, error: unknown): ToolgateError {
  const { name, code, message } = error as NodeJS.ErrnoException; // what a request fails with
  const why =
    name === "TimeoutError" || code === "ABORT_ERR" ? `no answer within ${PATIENCE_MS} ms` : (code ?? message);
  return new ToolgateError(
    "NODE_UNREACHABLE",
    `The ops listener at ${address} cannot be asked (${why}). Start the node, or correct --ops (TOOLGATE_OPS_LISTEN); the line ops_listening of its log says where it is.`,
    { cause: error },
  );
}

/**
 * Where a node's listener for operators is reached: what listens on all addresses, on the loopback one.
 *
 * @param given as --ops has it; what the settings of the node that runs here say when absent
 * @throws ToolgateError INVALID_CONFIG where there is none, or its port is not known
 */
export function opsAddress(given: string = ownOpsAddress()): string {
  const reached = reachable(given);
  if (reached !== undefined) return reached;
  throw new ToolgateError(
    "INVALID_CONFIG",
    `Where the node's ops listener is, is not known from ${JSON.stringify(given.slice(0, 80))}. Name it: --ops host:port, or https://host:port`,
  );
}

function ownOpsAddress(): string {
  const { TOOLGATE_OPS_LISTEN: listen = "", TOOLGATE_OPS_TLS: tls = "" } = environment();
  return `${tls === "on" ? HTTPS : ""}${listen || DEFAULT_OPS_LISTEN}`;
}
