import { setTimeout as delay } from "node:timers/promises";
import type { ServiceError } from "@grpc/grpc-js";
import type { FollowCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { Terminal__Output } from "../../src/protocol/generated/toolgate/v1/Terminal.js";
import { readError } from "../../src/sdk/request.js";
import type { Answer, CallRecord, ReadDelta, Reading, ReadTerminal } from "./check/evidence.js";
import { answerOf, type GatewayClient } from "./gateway-client.js";

/** How many calls are read at once: few, since the reader and all proxies share one process. */
const PARALLEL = 8;
/** How long one answer may take, in milliseconds. */
const ANSWER_WITHIN_MS = 15_000;

/** A reading that failed is tried again, so often and so much later, in milliseconds: a busy machine is no broken promise. */
const TRIES = 3;
const RETRY_MS = 500;
/** A gateway that failed so often in a row is not asked any more: waiting for it thousands of times would tell no more. */
const HOPELESS_AFTER = 20;

/** Reads every call on every gateway: where it stands, and its output from the beginning and from every cursor. */
export async function readBack(
  calls: readonly string[],
  gateways: readonly GatewayClient[],
  signal: AbortSignal,
): Promise<CallRecord[]> {
  const records: CallRecord[] = [];
  const readers = gateways.map((gateway) => new Reader(gateway));
  const left = [...calls];
  const work = async (): Promise<void> => {
    for (let call = left.pop(); call !== undefined; call = left.pop()) {
      signal.throwIfAborted();
      records.push({ call, readings: await readCall(call, readers) });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return records;
}

async function readCall(call: string, readers: readonly Reader[]): Promise<Reading[]> {
  const readings = await Promise.all(readers.map((reader) => reader.get(call)));
  // An unfinished call is not followed: its end would be waited for.
  if (readings.some(({ answer }) => answer.kind === "unfinished")) return readings;
  const whole = await Promise.all(readers.map((reader) => reader.follow(call, "")));
  readings.push(...whole);
  const cursors = new Set(
    whole.flatMap(({ answer }) => (answer.kind === "ended" ? answer.deltas.map(({ cursor }) => cursor) : [])),
  );
  for (const cursor of cursors) {
    readings.push(...(await Promise.all(readers.map((reader) => reader.follow(call, cursor)))));
  }
  return readings;
}

/** Reads calls on one gateway. */
class Reader {
  readonly #client: GatewayClient;
  #failures = 0;

  constructor(client: GatewayClient) {
    this.#client = client;
  }

  async get(call: string): Promise<Reading> {
    return { node: this.#client.name, asked: { kind: "get" }, answer: await this.#answer(() => this.#get(call)) };
  }

  async follow(call: string, cursor: string): Promise<Reading> {
    const answer = await this.#answer(() => this.#follow(call, cursor));
    return { node: this.#client.name, asked: { kind: "follow", cursor }, answer };
  }

  async #answer(ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#failures >= HOPELESS_AFTER) {
      return { kind: "failed", why: `not asked any more, after ${HOPELESS_AFTER} failures in a row` };
    }
    let answer: Answer = { kind: "failed", why: "not asked" };
    for (let attempt = 1; attempt <= TRIES && answer.kind === "failed"; attempt++) {
      if (attempt > 1) await delay(RETRY_MS);
      try {
        answer = await ask();
      } catch (error) {
        answer = failure(error, this.#client.name);
      }
    }
    this.#failures = answer.kind === "failed" ? this.#failures + 1 : 0;
    return answer;
  }

  async #get(callId: string): Promise<Answer> {
    const deadline = Date.now() + ANSWER_WITHIN_MS;
    const { handle, state, terminal } = await answerOf<GetCallResponse__Output>((callback) =>
      this.#client.gateway.getCall({ callId }, { deadline }, callback),
    );
    const deadlineMs = handle?.deadlineMs ?? 0;
    if (terminal === null) return { kind: "unfinished", state, deadlineMs };
    return { kind: "ended", terminal: readTerminal(terminal), deadlineMs, deltas: [] };
  }

  async #follow(callId: string, cursor: string): Promise<Answer> {
    const deltas: ReadDelta[] = [];
    const terminals: Terminal__Output[] = [];
    const stream = this.#client.gateway.followCall({ callId, cursor }, { deadline: Date.now() + ANSWER_WITHIN_MS });
    for await (const item of stream) {
      const message = item as FollowCallResponse__Output; // grpc-js types what a stream iterates over as any
      for (const delta of message.deltas) {
        deltas.push({ cursor: delta.cursor, attempt: delta.attempt, data: delta.dataJson.toString() });
      }
      if (message.terminal !== null) terminals.push(message.terminal);
    }
    const [terminal, ...more] = terminals;
    if (terminal === undefined || more.length > 0) {
      return { kind: "failed", why: `its output ended with ${terminals.length} terminals` };
    }
    return { kind: "ended", terminal: readTerminal(terminal), deltas };
  }
}

function failure(error: unknown, node: string): Answer {
  const { reason, message } = readError(error as ServiceError, node); // what a call fails with
  return reason === "UNKNOWN_CALL" ? { kind: "unknown" } : { kind: "failed", why: `${reason}: ${message}` };
}

function readTerminal(terminal: Terminal__Output): ReadTerminal {
  const kind = String(terminal.kind).replace("TERMINAL_KIND_", "").toLowerCase(); // one that only newer builds know is a number
  return {
    kind,
    reason: terminal.error?.reason ?? "",
    attempt: terminal.attempt,
    endedAtMs: terminal.endedAtMs,
    executed: terminal.executed,
    body: kind === "result" ? JSON.stringify(JSON.parse(terminal.resultJson.toString())) : "",
    // Buffers become their bytes as numbers: nothing is lost in the text.
    bytes: JSON.stringify(terminal),
  };
}
