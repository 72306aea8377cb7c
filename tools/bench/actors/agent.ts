import type { Caller, CallTarget } from "../callers/caller.js";
import { admissionCaller, followCaller, streamCaller } from "../callers/follow-caller.js";
import { jobCaller } from "../callers/job-caller.js";
import { mcpCaller } from "../callers/mcp-caller.js";
import { natsCaller } from "../callers/nats-caller.js";
import { restCaller } from "../callers/rest-caller.js";
import { sdkCaller } from "../callers/sdk-caller.js";
import { sessionCaller } from "../callers/session-caller.js";
import { unaryCaller } from "../callers/unary-caller.js";
import { serveCommands } from "../commands.js";
import { type CallEachCommand, callEach } from "./call-each-tool.js";
import { type CompileCommand, compile } from "./compile-payloads.js";
import { drive, type Load } from "./drive.js";
import { type ListCommand, list } from "./list-load.js";
import { openSessions, type SessionsCommand } from "./open-sessions.js";
import { beginPaced, endPaced } from "./paced-load.js";
import { type ParkCommand, park, release } from "./parking.js";
import { type ReadTogetherCommand, type RegisterLargeCommand, readTogether, registerLarge } from "./read-together.js";
import { type RegisterCommand, register } from "./register-toolsets.js";
import { type SearchCommand, search } from "./search-load.js";
import { type ChangesCommand, timeChanges } from "./watch-changes.js";

/** The process that calls: it makes load as it is ordered to, and says how it went. */

export type CallerKind =
  | "unary"
  | "rest"
  | "mcp"
  | "session"
  | "output"
  | "sdk"
  | "follow"
  | "stream"
  | "admission"
  | "job"
  | "nats";

export type AgentCommand =
  | { readonly kind: "load"; readonly caller: CallerKind; readonly target: CallTarget; readonly load: Load }
  | ParkCommand
  | { readonly kind: "release" }
  | { readonly kind: "pace"; readonly caller: CallerKind; readonly target: CallTarget; readonly everyMs: number }
  | { readonly kind: "end_pace" }
  | CallEachCommand
  | RegisterCommand
  | RegisterLargeCommand
  | ReadTogetherCommand
  | SearchCommand
  | ListCommand
  | CompileCommand
  | SessionsCommand
  | ChangesCommand;

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
    case "rest":
      return restCaller(target);
    case "mcp":
      return mcpCaller(target);
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

async function runCommand(command: AgentCommand): Promise<unknown> {
  switch (command.kind) {
    case "load":
      return await drive(await callerOf(command.caller, command.target), command.load);
    case "park":
      return park(command);
    case "release":
      return release();
    case "pace":
      return beginPaced(await callerOf(command.caller, command.target), command.everyMs);
    case "end_pace":
      return await endPaced();
    case "call_each":
      return await callEach(command);
    case "register":
      return await register(command);
    case "register_large":
      return await registerLarge(command);
    case "read_together":
      return await readTogether(command);
    case "search":
      return await search(command);
    case "list":
      return await list(command);
    case "compile":
      return await compile(command);
    case "sessions":
      return await openSessions(command);
    case "changes":
      return await timeChanges(command);
    default:
      return command satisfies never;
  }
}

const address = await serveCommands((command) => runCommand(command as AgentCommand)); // the benchmark sends nothing else
console.log(JSON.stringify({ event: "listening", address }));
setInterval(() => {}, 2 ** 30); // commands may come at any time
