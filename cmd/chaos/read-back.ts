import type { ServiceError } from "@grpc/grpc-js";
import type { FollowCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { Terminal__Output } from "../../src/protocol/generated/toolgate/v1/Terminal.js";
import { readError } from "../../src/sdk/request.js";
import type { Answer, CallRecord, ReadDelta, Reading, ReadTerminal } from "./check/evidence.js";
import { answerOf, type GatewayClient } from "./gateway-client.js";

/** How many calls are read at once. */
const PARALLEL = 24;
/** How long one answer may take, in milliseconds. */
const ANSWER_WITHIN_MS = 15_000;

/** Reads every call on every gateway: where it stands, and its output from the beginning and from every cursor. */
export async function readBack(calls: readonly string[], gateways: readonly GatewayClient[]): Promise<CallRecord[]> {
  const records: CallRecord[] = [];
  const left = [...calls];
  const work = async (): Promise<void> => {
    for (let call = left.pop(); call !== undefined; call = left.pop()) {
      records.push({ call, readings: await readCall(call, gateways) });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return records;
}

async function readCall(call: string, gateways: readonly GatewayClient[]): Promise<Reading[]> {
  const readings = await Promise.all(gateways.map((gateway) => get(gateway, call)));
  // An unfinished call is followed by nobody: it would be waited for.
  if (readings.some(({ answer }) => answer.kind === "unfinished")) return readings;
  const whole = await Promise.all(gateways.map((gateway) => follow(gateway, call, "")));
  readings.push(...whole);
  const cursors = new Set(
    whole.flatMap(({ answer }) => (answer.kind === "ended" ? answer.deltas.map(({ cursor }) => cursor) : [])),
  );
  for (const cursor of cursors) {
    readings.push(...(await Promise.all(gateways.map((gateway) => follow(gateway, call, cursor)))));
  }
  return readings;
}

async function get({ name, gateway }: GatewayClient, callId: string): Promise<Reading> {
  const reading = (answer: Answer): Reading => ({ node: name, asked: { kind: "get" }, answer });
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  try {
    const { handle, state, terminal } = await answerOf<GetCallResponse__Output>((callback) =>
      gateway.getCall({ callId }, { deadline }, callback),
    );
    const deadlineMs = handle?.deadlineMs ?? 0;
    if (terminal === null) return reading({ kind: "unfinished", state, deadlineMs });
    return reading({ kind: "ended", terminal: readTerminal(terminal), deadlineMs, deltas: [] });
  } catch (error) {
    return reading(failure(error, name));
  }
}

async function follow({ name, gateway }: GatewayClient, callId: string, cursor: string): Promise<Reading> {
  const reading = (answer: Answer): Reading => ({ node: name, asked: { kind: "follow", cursor }, answer });
  const deltas: ReadDelta[] = [];
  const terminals: Terminal__Output[] = [];
  const stream = gateway.followCall({ callId, cursor }, { deadline: Date.now() + ANSWER_WITHIN_MS });
  try {
    for await (const item of stream) {
      const message = item as FollowCallResponse__Output; // grpc-js types what a stream iterates over as any
      for (const delta of message.deltas) {
        deltas.push({ cursor: delta.cursor, attempt: delta.attempt, data: delta.dataJson.toString() });
      }
      if (message.terminal !== null) terminals.push(message.terminal);
    }
  } catch (error) {
    return reading(failure(error, name));
  }
  const [terminal, ...more] = terminals;
  if (terminal === undefined || more.length > 0) {
    return reading({ kind: "failed", why: `its output ended with ${terminals.length} terminals` });
  }
  return reading({ kind: "ended", terminal: readTerminal(terminal), deltas });
}

function failure(error: unknown, node: string): Answer {
  const { reason, message } = readError(error as ServiceError, node); // what a call fails with
  return reason === "UNKNOWN_CALL" ? { kind: "unknown" } : { kind: "failed", why: `${reason}: ${message}` };
}

function readTerminal(terminal: Terminal__Output): ReadTerminal {
  const kind = terminal.kind.replace("TERMINAL_KIND_", "").toLowerCase();
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
