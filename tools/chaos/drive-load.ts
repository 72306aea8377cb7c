import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { CallHandle, CallTerminal, InvokeOptions, Toolgate } from "../../src/index.js";
import { callIdFor } from "./call-ids.js";
import { type CallPlan, type LoadMix, planCall, USUAL_MIX } from "./call-plan.js";
import { placeholderId } from "./calls-without-id.js";
import { inTenant, type TenantKeys } from "./credentials.js";
import type { HistoryEvent, SeenDelta, SeenTerminal } from "./history.js";
import { machineMs } from "./machine-clock.js";
import { loadSdk } from "./sdk.js";
import { SeededRandom } from "./seeded-random.js";

/**
 * An agent that makes calls for a while and writes down what it saw. It ends by itself when the load is over and every
 * request came to an outcome. SIGUSR2 ends the load now; SIGTERM makes it end at once, with what it has.
 */

/** What it is to do, as JSON in the first argument. */
export interface AgentOptions {
  readonly agent: string;
  readonly nodes: readonly string[];
  /** By their identities. */
  readonly toolsets: readonly string[];
  /** The keys by tenant, where the nodes ask for one. */
  readonly keys?: Readonly<Record<string, Pick<TenantKeys, "agent">>> | undefined;
  /** How many shards the nodes make on their store. */
  readonly shards: number;
  readonly seed: string;
  readonly callsPerSecond: number;
  readonly maxCalls: number;
  readonly durationMs: number;
  /** What its calls are like, where not as in every run. */
  readonly mix: Partial<LoadMix>;
  readonly historyFile: string;
  /** The folder of the build whose SDK it uses; its own build's unless said. */
  readonly sdk?: string | undefined;
}

/** How many requests may be under way at once: the load is bounded whatever the cluster does. */
const MAX_PENDING = 400;

type Unstamped<Event> = Event extends HistoryEvent ? Omit<Event, "atMs"> : never;

// Written by the program that starts us.
const options = JSON.parse(process.argv[2] ?? "null") as AgentOptions;
const { connect, ToolCallError, ToolgateError } = await loadSdk(options.sdk);
const random = new SeededRandom(`${options.seed}/${options.agent}`);
const mix = { ...USUAL_MIX, ...options.mix };
const runId = `${options.seed}/${options.agent}`;

/** An agent's connections in one tenant. */
interface Clients {
  readonly first: Toolgate;
  readonly second: Toolgate;
  readonly watcher: Toolgate;
}

const clients = new Map<string, Clients>();
for (const { tenant } of options.toolsets.map(inTenant)) {
  if (clients.has(tenant)) continue;
  const agent = options.keys?.[tenant]?.agent;
  const key = agent === undefined ? {} : { key: agent };
  const [first, second, watcher] = await Promise.all([
    connect(options.nodes, key),
    connect(options.nodes, key),
    connect(options.nodes, { ...key, patienceMs: Number.POSITIVE_INFINITY }),
  ]);
  clients.set(tenant, { first, second, watcher });
}
const watching = new AbortController();
const watched = Promise.all(
  [...clients].map(([tenant, { watcher }]) =>
    watch(watcher, tenant === "default" ? options.agent : `${options.agent} in ${tenant}`, watching.signal),
  ),
);
process.on("SIGTERM", () => process.exit(0));
const over = new AbortController();
process.on("SIGUSR2", () => over.abort());

const pending = new Set<Promise<void>>();
console.log("driving");
const startMs = machineMs();
for (let n = 1; n <= options.maxCalls; n++) {
  const plan = planCall(n, options.toolsets, random, mix);
  const dueMs = startMs + (n * 1_000) / options.callsPerSecond;
  if (dueMs - startMs > options.durationMs) break;
  await delay(Math.max(0, dueMs - machineMs()), undefined, { signal: over.signal }).catch(() => {});
  if (over.signal.aborted) break;
  if (pending.size >= MAX_PENDING) continue;
  const call = make(n, plan).finally(() => pending.delete(call));
  pending.add(call);
}
await Promise.all(pending);
watching.abort(new Error("the load is over"));
await watched;
await Promise.all(
  [...clients.values()].flatMap(({ first, second, watcher }) => [first.close(), second.close(), watcher.close()]),
);
process.exit(0);

/** One call: its requests, all with the same ids; or one request without ids. */
async function make(n: number, plan: CallPlan): Promise<void> {
  const own = clients.get(inTenant(plan.toolset).tenant);
  if (own === undefined) throw new Error(`the agent has no connection for ${plan.toolset}`);
  const { first, second } = own;
  if (plan.withoutId) {
    const asker = placeholderId(`${runId}/${n}`);
    const withoutId = { ...plan, payload: { ...plan.payload, asker } };
    await ask(first, asker, `${options.agent}/${n}.1`, withoutId, undefined, plan.how);
    return;
  }
  const ids = { runId, toolCallId: String(n) };
  const call = callIdFor(plan.toolset, ids.runId, ids.toolCallId, options.shards);
  const request = (k: number): string => `${options.agent}/${n}.${k}`;
  const requests = [ask(first, call, request(1), plan, ids, plan.how)];
  if (plan.twice) requests.push(ask(second, call, request(2), plan, ids, "invoke"));
  const outcomes = await Promise.all(requests);
  if (!outcomes.includes("unknown")) return;
  // An agent that does not know how a call ended asks again with the same ids.
  await delay(plan.repeatAfterMs);
  await ask(second, call, request(3), { ...plan, cancelAfterMs: undefined }, ids, "invoke");
}

type Outcome = "ended" | "refused" | "unknown";

async function ask(
  client: Toolgate,
  call: string,
  request: string,
  plan: CallPlan,
  ids: { readonly runId: string; readonly toolCallId: string } | undefined,
  how: CallPlan["how"],
): Promise<Outcome> {
  const { toolset, tool, payload, delivery, timeoutMs, wait, cancelAfterMs } = plan;
  const { name } = inTenant(toolset);
  note({ kind: "asked", request, call, n: payload.n, toolset, delivery, timeoutMs, how });
  const changedItsMind = new AbortController();
  const timer =
    cancelAfterMs === undefined
      ? undefined
      : setTimeout(() => changedItsMind.abort(new Error("enough")), cancelAfterMs);
  const options: InvokeOptions = { ...ids, timeoutMs, wait, signal: changedItsMind.signal };
  let handle: CallHandle | undefined;
  try {
    if (how === "invoke") {
      const result = await client.invoke(name, tool, payload, options);
      note({ kind: "ended", request, call, terminal: { kind: "result", body: JSON.stringify(result) } });
      return "ended";
    }
    const admitted = await client.call(name, tool, payload, options);
    handle = admitted;
    const { callId, deadline, repeated } = admitted;
    note({ kind: "admitted", request, call, callId, deadlineMs: deadline.getTime(), repeated });
    if (ids !== undefined && callId !== call) throw new Error(`the call has the id ${callId}, and not ${call}`);
    note({ kind: "ended", request, call, ...(await follow(client, callId, changedItsMind.signal)) });
    return "ended";
  } catch (error) {
    if (error instanceof ToolCallError) {
      note({ kind: "ended", request, call, terminal: seen(error.terminal) });
      return "ended";
    }
    if (changedItsMind.signal.aborted) {
      // A handle outlives the request that followed it.
      if (handle !== undefined) await client.cancel(handle.callId).catch(() => {});
      note({ kind: "unknown", request, call, reason: "ABORTED_BY_AGENT" });
      return "unknown";
    }
    const reason = error instanceof ToolgateError ? error.reason : String(error);
    const message = error instanceof Error ? error.message.slice(0, 300) : "";
    const refused = error instanceof ToolgateError && error.executed === "no" && handle === undefined;
    note({ kind: refused ? "refused" : "unknown", request, call, reason, message });
    return refused ? "refused" : "unknown";
  } finally {
    clearTimeout(timer);
  }
}

async function follow(
  client: Toolgate,
  call: string,
  signal: AbortSignal,
): Promise<{ readonly terminal: SeenTerminal; readonly deltas: readonly SeenDelta[] }> {
  const deltas: SeenDelta[] = [];
  for await (const event of client.follow(call, { signal })) {
    if (event.kind === "terminal") return { terminal: seen(event.terminal), deltas };
    deltas.push({ cursor: event.cursor, attempt: event.attempt, data: JSON.stringify(event.data) });
  }
  throw new Error("the output ended without a terminal");
}

function seen(terminal: CallTerminal): SeenTerminal {
  const { kind, attempt, endedAt } = terminal;
  return {
    kind,
    body: kind === "result" ? JSON.stringify(terminal.result) : "",
    reason: kind === "result" ? "" : terminal.reason,
    attempt,
    endedAtMs: endedAt.getTime(),
  };
}

/** One watch of a tenant for the whole load, wherever it has to go on. */
async function watch(client: Toolgate, name: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of client.watch({ signal })) {
      note({ kind: "watched", watch: name, revision: event.revision, what: event.kind });
    }
  } catch (error) {
    if (!signal.aborted) note({ kind: "watched", watch: name, revision: "", what: `failed: ${String(error)}` });
  }
}

function note(event: Unstamped<HistoryEvent>): void {
  appendFileSync(options.historyFile, `${JSON.stringify({ ...event, atMs: machineMs() })}\n`);
}
