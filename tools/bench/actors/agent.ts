import type { Caller, CallTarget } from "../callers/caller.js";
import { admissionCaller, followCaller, streamCaller } from "../callers/follow-caller.js";
import { jobCaller } from "../callers/job-caller.js";
import { natsCaller } from "../callers/nats-caller.js";
import { sdkCaller } from "../callers/sdk-caller.js";
import { sessionCaller } from "../callers/session-caller.js";
import { unaryCaller } from "../callers/unary-caller.js";
import { serveOrders } from "../orders.js";
import { type CompileOrder, compile } from "./compile-payloads.js";
import { drive, type Load } from "./drive.js";
import { type ListOrder, list } from "./list-load.js";
import { openSessions, type SessionsOrder } from "./open-sessions.js";
import { beginPaced, endPaced } from "./paced-load.js";
import { type ParkOrder, park, release } from "./parking.js";
import { type ReadTogetherOrder, type RegisterLargeOrder, readTogether, registerLarge } from "./read-together.js";
import { type RegisterOrder, register } from "./register-toolsets.js";
import { type SearchOrder, search } from "./search-load.js";
import { type ChangesOrder, timeChanges } from "./watch-changes.js";

/** The process that calls: it makes load as it is ordered to, and says how it went. */

export type CallerKind = "unary" | "session" | "output" | "sdk" | "follow" | "stream" | "admission" | "job" | "nats";

export type AgentOrder =
  | { readonly kind: "load"; readonly caller: CallerKind; readonly target: CallTarget; readonly load: Load }
  | ParkOrder
  | { readonly kind: "release" }
  | { readonly kind: "pace"; readonly caller: CallerKind; readonly target: CallTarget; readonly everyMs: number }
  | { readonly kind: "end_pace" }
  | RegisterOrder
  | RegisterLargeOrder
  | ReadTogetherOrder
  | SearchOrder
  | ListOrder
  | CompileOrder
  | SessionsOrder
  | ChangesOrder;

/** Callers stay connected: by what they call, and how. */
const callers = new Map<string, Promise<Caller>>();

function callerOf(kind: CallerKind, target: CallTarget): Promise<Caller> {
  const key = `${kind} ${JSON.stringify(target)}`;
  let caller = callers.get(key);
  if (caller === undefined) {
    caller = makeCaller(kind, target);
    callers.set(key, caller);
  }
  return caller;
}

async function makeCaller(kind: CallerKind, target: CallTarget): Promise<Caller> {
  switch (kind) {
    case "unary":
      return unaryCaller(target);
    case "session":
      return sessionCaller(target, false);
    case "output":
      return sessionCaller(target, true);
    case "sdk":
      return await sdkCaller(target);
    case "follow":
      return followCaller(target);
    case "stream":
      return streamCaller(target);
    case "admission":
      return admissionCaller(target);
    case "job":
      return await jobCaller(target);
    case "nats":
      return await natsCaller(target);
    default:
      return kind satisfies never;
  }
}

async function obey(order: AgentOrder): Promise<unknown> {
  switch (order.kind) {
    case "load":
      return await drive(await callerOf(order.caller, order.target), order.load);
    case "park":
      return park(order);
    case "release":
      return release();
    case "pace":
      return beginPaced(await callerOf(order.caller, order.target), order.everyMs);
    case "end_pace":
      return await endPaced();
    case "register":
      return await register(order);
    case "register_large":
      return await registerLarge(order);
    case "read_together":
      return await readTogether(order);
    case "search":
      return await search(order);
    case "list":
      return await list(order);
    case "compile":
      return await compile(order);
    case "sessions":
      return await openSessions(order);
    case "changes":
      return await timeChanges(order);
    default:
      return order satisfies never;
  }
}

const address = await serveOrders((order) => obey(order as AgentOrder)); // the benchmark sends nothing else
console.log(JSON.stringify({ event: "listening", address }));
setInterval(() => {}, 2 ** 30); // orders may come at any time
