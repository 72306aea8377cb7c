import { randomUUID } from "node:crypto";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { rawJson, serveToolset } from "../../../src/index.js";
import type { GatewayClient } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import type { InvokeResponse__Output } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import type { RegistryClient } from "../../../src/protocol/generated/toolgate/v1/Registry.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { fromServiceError } from "../../../src/protocol/status-details.js";
import { FORMAT_INPUTS } from "./format-inputs.js";
import type { HostileCall, HostileInput, HostileResult, Truth } from "./input.js";
import { SCHEMA_INPUTS } from "./schema-inputs.js";
import { HOSTILE_RESULTS, VALUE_INPUTS } from "./value-inputs.js";

/** Everything that is thrown at a node, but for the results. */
export const HOSTILE_INPUTS: readonly HostileInput[] = [...SCHEMA_INPUTS, ...VALUE_INPUTS, ...FORMAT_INPUTS];

const RESULTS = "hostile-results";

export interface AttackSettings {
  /** The node's address. */
  readonly address: string;
  /** How many connections share the inputs. */
  readonly connections: number;
  /** How many inputs each of them throws at once. */
  readonly atOnce: number;
  /** How often all inputs are thrown, each time with contracts that the node has not seen. */
  readonly rounds: number;
  /** How long a registration, and a call, waits for its answer, in milliseconds. */
  readonly registerMs: number;
  readonly callMs: number;
}

export interface AttackReport {
  readonly inputs: number;
  readonly requests: number;
  readonly tookMs: number;
  /** How often each answer came. */
  readonly answers: Readonly<Record<string, number>>;
  /** The answers by input. */
  readonly byInput: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Answers that are neither right nor a clear refusal. */
  readonly wrong: readonly string[];
}

/** What the gateway answers where it does no work for a request, or has done enough: it says nothing of the value. */
const REFUSALS = new Set([
  ...["LIMIT_EXCEEDED", "NODE_BUSY", "VERDICT_UNAVAILABLE", "PAYLOAD_TOO_COSTLY", "DEADLINE_EXCEEDED", "CANCELLED"],
  "STORE_UNAVAILABLE",
]);
/** Why a registration is refused for what it is. */
const NOT_REGISTERED = new Set(["INVALID_SCHEMA", "INVALID_CONTRACT", "MESSAGE_TOO_LARGE", "INVALID_REQUEST"]);
/** What is said of a value by the refusal of its call. There is no provider, so what fits is refused after its check. */
const VERDICTS: Readonly<Record<string, Truth>> = {
  NO_HEALTHY_PROVIDER: "valid",
  INVALID_PAYLOAD: "invalid",
  MALFORMED_JSON: "malformed",
  PAYLOAD_TOO_LARGE: "malformed",
};

/** Throws everything at a node, and says what it answered. */
export async function attack(settings: AttackSettings): Promise<AttackReport> {
  const report = new Answers();
  const startedAt = performance.now();
  const clients = Array.from({ length: settings.connections }, () => clientsOf(settings.address));
  const provider = serveResults(settings.address);
  for (let round = 0; round < settings.rounds; round += 1) {
    const run = `${round}-${randomUUID().slice(0, 8)}`;
    const left = HOSTILE_INPUTS.entries();
    const throwing = clients.flatMap((client) =>
      Array.from({ length: settings.atOnce }, async () => {
        for (const [index, input] of left) await throwInput(client, settings, input, `hostile-${index}-${run}`, report);
      }),
    );
    const results = provider.then((serving) =>
      serving ? askForResults(clientsOf(settings.address), settings, report) : report.add("results", "not registered"),
    );
    await Promise.all([...throwing, results]);
  }
  await (await provider)?.stop();
  await forget(clients, report.registered);
  for (const { registry } of clients) registry.close();
  const { requests, answers, byInput, wrong } = report;
  const inputs = HOSTILE_INPUTS.length + HOSTILE_RESULTS.length;
  return { inputs, requests, tookMs: performance.now() - startedAt, answers, byInput, wrong };
}

/** What is registered stays, and takes memory by right: so it goes again. */
async function forget(clients: readonly Clients[], toolsets: ReadonlyMap<string, number>): Promise<void> {
  const left = toolsets.entries();
  await Promise.all(
    clients.map(async ({ registry }) => {
      for (const [name, epoch] of left)
        await new Promise<void>((resolve) => registry.Unregister({ name, epoch }, () => resolve()));
    }),
  );
}

class Answers {
  requests = 0;
  /** The toolsets that are registered, and their epochs. */
  readonly registered = new Map<string, number>();
  readonly answers: Record<string, number> = {};
  readonly byInput: Record<string, Record<string, number>> = {};
  readonly wrong: string[] = [];

  add(input: string, answer: string, isRight = true): void {
    this.requests += 1;
    this.answers[answer] = (this.answers[answer] ?? 0) + 1;
    this.byInput[input] ??= {};
    const own = this.byInput[input];
    own[answer] = (own[answer] ?? 0) + 1;
    if (!isRight) this.wrong.push(`${input}: ${answer}`);
  }
}

interface Clients {
  readonly registry: RegistryClient;
  readonly gateway: GatewayClient;
}

/** A connection of its own. */
function clientsOf(address: string): Clients {
  const { Registry, Gateway } = loadProtocol();
  const options = {
    ...{ "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 },
    ...{ "grpc.max_send_message_length": -1, "grpc.max_receive_message_length": -1 },
  };
  const registry = new Registry(address, credentials.createInsecure(), options);
  const gateway = new Gateway(address, credentials.createInsecure(), { channelOverride: registry.getChannel() });
  return { registry, gateway };
}

async function throwInput(
  clients: Clients,
  settings: AttackSettings,
  input: HostileInput,
  toolset: string,
  report: Answers,
): Promise<void> {
  const tools = input.tools().map(({ name, payload, result = "" }) => ({
    ...{ name, payloadSchemaJson: Buffer.from(payload), resultSchemaJson: Buffer.from(result) },
  }));
  const { assertFormats = false, registrations = 1 } = input;
  const more = { version: "1.0.0", description: input.description?.() ?? "", assertFormats, tools };
  const registering = Array.from({ length: registrations }, async (_, index) => {
    const name = index === 0 ? toolset : `${toolset}-${index}`;
    const { answer, epoch } = await register(clients, { ...more, name }, settings.registerMs);
    if (epoch !== undefined) report.registered.set(name, epoch);
    report.add(input.name, answer, registrationIsRight(input.registers, answer));
    return answer;
  });
  const answered = await Promise.all(registering);
  if (!answered.includes("registered")) return;
  const from = answered.indexOf("registered");
  const name = from === 0 ? toolset : `${toolset}-${from}`;
  await Promise.all(
    input.calls.flatMap((call) =>
      Array.from({ length: call.times ?? 1 }, async () => {
        const answer = await invoke(clients, name, call, settings.callMs);
        report.add(input.name, answer, callIsRight(call.truth, answer));
      }),
    ),
  );
}

function registrationIsRight(may: HostileInput["registers"], answer: string): boolean {
  if (answer === "registered") return may !== "no";
  return REFUSALS.has(answer) || (NOT_REGISTERED.has(answer) && may !== "yes");
}

function callIsRight(truth: Truth, answer: string): boolean {
  const verdict = VERDICTS[answer];
  if (verdict === undefined) return REFUSALS.has(answer);
  return truth === "either" || verdict === truth;
}

function register(
  { registry }: Clients,
  contract: object,
  withinMs: number,
): Promise<{ readonly answer: string; readonly epoch?: number }> {
  return new Promise((resolve) => {
    registry.Register(
      { contract, providerId: "hostile", incarnation: randomUUID() },
      { deadline: Date.now() + withinMs },
      (error, response) =>
        resolve(
          error === null && response !== undefined
            ? { answer: "registered", epoch: Number(response.epoch) }
            : { answer: reasonOf(error as ServiceError) }, // one of the two is there
        ),
    );
  });
}

function invoke({ gateway }: Clients, toolset: string, call: HostileCall, withinMs: number): Promise<string> {
  const payloadJson = Buffer.from(call.payload());
  return new Promise((resolve) => {
    gateway.Invoke(
      { call: { toolset, tool: call.tool ?? "tool", payloadJson } },
      { deadline: Date.now() + withinMs },
      (error, response) => resolve(error === null ? endOf(response) : reasonOf(error)),
    );
  });
}

/** A call that is rejected ends without an error of gRPC's. */
function endOf(response: InvokeResponse__Output | undefined): string {
  const { kind, error, unchecked } = response?.terminal ?? {};
  if (kind === "TERMINAL_KIND_RESULT") return unchecked ? "unchecked result" : "result";
  return error?.reason ?? String(kind);
}

function reasonOf(error: ServiceError): string {
  return fromServiceError(error).reason;
}

/** A provider whose results are hostile; nothing where the node does not take it. */
async function serveResults(nodes: string): Promise<{ stop(): Promise<unknown> } | undefined> {
  const tools = Object.fromEntries(
    HOSTILE_RESULTS.map(({ name, schema, result }) => [
      name,
      { payload: true, result: JSON.parse(schema), run: () => rawJson(result()) },
    ]),
  );
  try {
    return await serveToolset(
      { name: RESULTS, version: "1.0.0", tools },
      { nodes, signal: AbortSignal.timeout(30_000), maxInFlight: 64 },
    );
  } catch {
    return undefined;
  }
}

async function askForResults(clients: Clients, settings: AttackSettings, report: Answers): Promise<void> {
  const asking = HOSTILE_RESULTS.flatMap((result) =>
    Array.from({ length: result.times }, async () => {
      const call = { tool: result.name, payload: () => "{}", truth: "either" } as const;
      const answer = await invoke(clients, RESULTS, call, settings.callMs);
      report.add(`result: ${result.name}`, answer, resultIsRight(result.truth, answer));
    }),
  );
  await Promise.all(asking);
  clients.registry.close();
}

function resultIsRight(truth: HostileResult["truth"], answer: string): boolean {
  if (answer === "result") return truth !== "invalid";
  if (answer === "INVALID_RESULT") return truth !== "valid";
  // A provider that is busy for too long is taken for lost.
  return ["unchecked result", "NO_HEALTHY_PROVIDER", "PROVIDER_LOST"].includes(answer) || REFUSALS.has(answer);
}
