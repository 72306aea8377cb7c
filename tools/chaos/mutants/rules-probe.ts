import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceError } from "@grpc/grpc-js";
import { makeSecretToken } from "../../../src/access/credentials/secret-token.js";
import type { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { ApplyDocumentsResponse__Output } from "../../../src/protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import type { CallToolResponse__Output } from "../../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { InvokeResponse__Output } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import type { ListDocumentsResponse__Output } from "../../../src/protocol/generated/toolgate/v1/ListDocumentsResponse.js";
import { fromServiceError } from "../../../src/protocol/status-details.js";
import { TOOLS, type ToolInput } from "../call-plan.js";
import type { ChaosCluster } from "../chaos-cluster.js";
import type { Violation } from "../check/evidence.js";
import { answerOf, callerMetadata, type GatewayClient } from "../gateway-client.js";
import { machineMs } from "../machine-clock.js";

/*
 * What administrators decide, tried beside a load on a cluster that asks for keys: revisions of documents, limits, denials, revocations, and
 * whose call an id is. Each probe has principals and documents of its own, so that none is in the way of the load.
 */

const TOOLSET = "orders";
const FOREIGN_TENANT = "acme";
/** How long a change may take to every gateway, in milliseconds. */
const KNOWN_WITHIN_MS = 5_000;
/** How long a place may take to come back, in milliseconds. */
const PLACE_WITHIN_MS = 5_000;
/** Calls of a probe outlive it: a place must not come back by their deadline. */
const TIMEOUT_MS = 30_000;
const WRITERS = 9;
const RATE = 5;
const PLACES = 3;

interface Probe {
  readonly cluster: ChaosCluster;
  readonly signal: AbortSignal;
  /** Takes the ids of the calls that it made. */
  readonly calls: Set<string>;
}

/** What came of the probes. */
export interface Probed {
  /** What was not as it must be; nothing where all is well. */
  readonly violations: readonly Violation[];
  /** The ids of the calls that were made: no load asked for them. */
  readonly calls: ReadonlySet<string>;
}

/** Runs all probes, one after the other. */
export async function probeRules(cluster: ChaosCluster, signal: AbortSignal): Promise<Probed> {
  const probe = { cluster, signal, calls: new Set<string>() };
  const found: Violation[] = [];
  for (const run of [probeRevisions, probeRate, probePlaces, probeDenial, probeRevocation, probeTenants])
    found.push(...(await run(probe)));
  return { violations: found, calls: probe.calls };
}

/** Of writers that change one revision of a document, one does. */
async function probeRevisions({ cluster }: Probe): Promise<Violation[]> {
  const role = (writer: number, expectRevision?: number) =>
    apply(cluster, [change("role", "contended", { description: `${writer}`, rules: [] }, expectRevision)], writer);
  const { revision } = await role(WRITERS);
  const answers = await Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => role(writer, revision)));
  const won = answers.filter(({ status }) => status === "fulfilled").length;
  return won === 1
    ? []
    : [violation("one writer changes a revision of a document", `${won} of ${WRITERS} writers changed one revision`)];
}

/** All gateways together admit no more than a rate lets in, and no less. */
async function probeRate(probe: Probe): Promise<Violation[]> {
  const key = await principal(probe, "rated");
  const rate = { calls: RATE, perMs: 3_600_000 };
  await rule(probe, "limit", "rated", { per: "caller", rate, match: { principals: ["rated"] } });
  const asked = Array.from({ length: 4 * RATE }, (_, n) => admit(probe, gatewayOf(probe, n), key, TOOLS.once));
  const admitted = (await Promise.all(asked)).filter((refusal) => refusal === undefined).length;
  return admitted === RATE
    ? []
    : [violation("a rate is kept to the call", `${admitted} calls were admitted where ${RATE} may be`)];
}

/** Unfinished calls have the places that a limit gives, and give them back. */
async function probePlaces(probe: Probe): Promise<Violation[]> {
  const key = await principal(probe, "placed");
  await rule(probe, "limit", "placed", { per: "caller", concurrency: PLACES, match: { principals: ["placed"] } });
  const finish = (n: number, ms: number) =>
    answerOf<InvokeResponse__Output>((callback) =>
      gatewayOf(probe, n).gateway.invoke({ call: spec(TOOLS.once, { ms }) }, callerMetadata(key), callback),
    ).then(({ terminal }) => {
      if (terminal) probe.calls.add(terminal.callId);
      return true;
    });
  const first = await Promise.all(
    Array.from({ length: 2 * PLACES }, (_, n) => finish(n, 1_000).catch(refusedBy("RATE_LIMITED"))),
  );
  const had = first.filter((one) => one === true).length;
  const found =
    had === PLACES ? [] : [violation("a limit's places are kept", `${had} calls had a place where ${PLACES} may`)];
  const again = await within(PLACE_WITHIN_MS, probe.signal, async () => {
    const next = await Promise.all(
      Array.from({ length: PLACES }, (_, n) => finish(n, 0).catch(refusedBy("RATE_LIMITED"))),
    );
    return next.every((one) => one === true);
  });
  if (!again) found.push(violation("a call that has ended gives its place back", "the places did not come back"));
  return found;
}

/** What one rule denies, no other allows. */
async function probeDenial(probe: Probe): Promise<Violation[]> {
  const everything = { verbs: ["discover", "call"] };
  const denial = { effect: "deny", verbs: ["call"], toolsets: [TOOLSET], tools: [TOOLS.once] };
  const key = await principal(probe, "denied", { rules: [denial, everything] });
  const found: Violation[] = [];
  for (const gateway of clientsOf(probe)) {
    if ((await admit(probe, gateway, key, TOOLS.once)) === undefined)
      found.push(violation("a denial wins", `${gateway.name} admitted a call that a rule denies`));
    if ((await admit(probe, gateway, key, TOOLS.idempotent)) !== undefined)
      found.push(violation("what is allowed and not denied may be called", `${gateway.name} refused such a call`));
  }
  return found;
}

/** A key that was revoked opens nothing any more. */
async function probeRevocation(probe: Probe): Promise<Violation[]> {
  const { text, id } = await principalWithId(probe, "revoked", undefined);
  const found: Violation[] = [];
  for (const gateway of clientsOf(probe)) {
    if ((await admit(probe, gateway, text, TOOLS.once)) !== undefined)
      found.push(violation("a key that holds is let in", `${gateway.name} refused a call of one`));
  }
  await apply(probe.cluster, [change("revocation", "probe", { credential: `key/${id}` })]);
  for (const gateway of clientsOf(probe)) {
    const ended = await within(KNOWN_WITHIN_MS, probe.signal, async () => {
      const refusal = await admit(probe, gateway, text, TOOLS.once);
      return refusal?.reason === "UNAUTHENTICATED";
    });
    if (!ended) found.push(violation("a revoked key opens nothing", `${gateway.name} went on to admit its calls`));
  }
  return found;
}

/** The same ids of an agent of another tenant are another call, also of a toolset that is shared with it. */
async function probeTenants(probe: Probe): Promise<Violation[]> {
  const own = await principal(probe, "sharing");
  const foreign = await principal(probe, "sharing", undefined, FOREIGN_TENANT);
  await rule(probe, "share", "probe", { toolsets: [TOOLSET], with: [FOREIGN_TENANT] });
  const meta = { runId: "probe", toolCallId: "1" };
  const call = (toolset: string, key: string) =>
    answerOf<CallToolResponse__Output>((callback) =>
      gatewayOf(probe, 0).gateway.callTool(
        { call: { ...spec(TOOLS.once, { ms: 0 }), toolset, meta } },
        callerMetadata(key),
        callback,
      ),
    );
  const ids = [(await call(TOOLSET, own)).handle?.callId ?? ""];
  const seen = await within(KNOWN_WITHIN_MS, probe.signal, async () => {
    try {
      ids.push((await call(`default/${TOOLSET}`, foreign)).handle?.callId ?? "");
      return true;
    } catch {
      return false; // what is shared is not known there yet, or the id is taken
    }
  });
  const promise = "an id is a call of its tenant";
  for (const id of ids) probe.calls.add(id);
  if (!seen) return [violation(promise, `an agent of ${FOREIGN_TENANT} could not make a call of its own`)];
  return ids[0] === ids[1] ? [violation(promise, "agents of two tenants had one call")] : [];
}

/** A principal of its own, and its key; of a role of its own, or of that of agents. */
async function principal(probe: Probe, name: string, role?: object, tenant?: string): Promise<string> {
  return (await principalWithId(probe, name, role, tenant)).text;
}

async function principalWithId(probe: Probe, name: string, role: object | undefined, tenant = "") {
  const { text, id, hash } = makeSecretToken("key", randomBytes);
  const body = { roles: [role === undefined ? "agent" : name], keys: [{ id, hash, createdAtMs: 0, expiresAtMs: 0 }] };
  const changes = [
    ...(role === undefined ? [] : [change("role", name, role)]),
    change("key", name, body, undefined, tenant),
  ];
  const { revision } = await apply(probe.cluster, changes);
  await known(probe, revision);
  return { text, id };
}

/** Puts a document in force on every gateway. */
async function rule(probe: Probe, kind: string, name: string, body: object): Promise<void> {
  const { revision } = await apply(probe.cluster, [change(kind, name, body)]);
  await known(probe, revision);
}

/** Resolves when every gateway has a revision. */
async function known(probe: Probe, revision: number): Promise<void> {
  for (const { name, documents } of clientsOf(probe)) {
    const isKnown = await within(KNOWN_WITHIN_MS, probe.signal, async () => {
      const answer = await answerOf<ListDocumentsResponse__Output>((callback) => documents.listDocuments({}, callback));
      return answer.revision >= revision;
    });
    if (!isKnown) throw new Error(`${name} did not come to know revision ${revision} of the documents.`);
  }
}

/** Changes documents as the administrator does, by one of the gateways. */
function apply(
  cluster: ChaosCluster,
  changes: ReturnType<typeof change>[],
  gateway = 0,
): Promise<ApplyDocumentsResponse__Output> {
  const { documents } = gatewayOf({ cluster }, gateway);
  return answerOf((callback) => documents.applyDocuments({ changes, reason: "a probe" }, callback));
}

function change(kind: string, name: string, body: object, expectRevision?: number, tenant = "") {
  const ref = { kind, name, ...(tenant === "" ? {} : { tenant }) };
  const bodyJson = Buffer.from(JSON.stringify(body));
  return { ref, bodyJson, ...(expectRevision === undefined ? {} : { expectRevision }) };
}

const clientsOf = ({ cluster }: Pick<Probe, "cluster">): readonly GatewayClient[] =>
  cluster.gateways.map(({ client }) => client);

function gatewayOf(probe: Pick<Probe, "cluster">, n: number): GatewayClient {
  const clients = clientsOf(probe);
  const client = clients[n % clients.length];
  if (client === undefined) throw new Error("the cluster has no gateway");
  return client;
}

/** Has a call admitted. @returns why it was not, undefined where it was */
function admit(
  { calls }: Probe,
  { gateway }: GatewayClient,
  key: string,
  tool: string,
): Promise<ToolgateError | undefined> {
  return answerOf<CallToolResponse__Output>((callback) =>
    gateway.callTool({ call: spec(tool, { ms: 0 }) }, callerMetadata(key), callback),
  ).then(
    ({ handle }) => {
      if (handle) calls.add(handle.callId);
      return undefined;
    },
    (error: ServiceError) => fromServiceError(error),
  );
}

function spec(tool: string, { ms }: Pick<ToolInput, "ms">) {
  const input: ToolInput = { n: 0, ms, pieces: 0, stubborn: false };
  return { toolset: TOOLSET, tool, payloadJson: Buffer.from(JSON.stringify(input)), timeoutMs: TIMEOUT_MS };
}

/** Takes one refusal for an answer; all others are thrown. */
const refusedBy =
  (reason: string) =>
  (error: ServiceError): false => {
    if (fromServiceError(error).reason === reason) return false;
    throw error;
  };

async function within(timeMs: number, signal: AbortSignal, look: () => Promise<boolean>): Promise<boolean> {
  const startMs = machineMs();
  for (;;) {
    if (await look()) return true;
    if (machineMs() - startMs > timeMs) return false;
    await delay(50, undefined, { signal });
  }
}

const violation = (rule: string, message: string): Violation => ({ rule, sort: "other", message, evidence: [] });
