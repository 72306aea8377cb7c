import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { AttachResponse__Output } from "../../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import type { RegisterResponse__Output } from "../../../src/protocol/generated/toolgate/v1/RegisterResponse.js";
import type { RegistryClient } from "../../../src/protocol/generated/toolgate/v1/Registry.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { fromServiceError } from "../../../src/protocol/status-details.js";
import { backoffMs } from "../../../src/sdk/timing.js";
import { serveCommands } from "../commands.js";
import { yieldToOthers } from "./yield-to-others.js";

/**
 * Many providers of one toolset in one process, all of which start in the same turn: bare grpc-js clients that share connections,
 * since thousands of the SDK's in one process would measure that process. They wait, give up and come again as the SDK does. The
 * process yields to others: providers have machines of their own elsewhere, and it is not what is measured.
 */

/** Starts `count` providers; answers at once. */
export interface StormCommand {
  readonly kind: "storm";
  /** The nodes' addresses. */
  readonly nodes: readonly string[];
  readonly toolset: string;
  readonly count: number;
  readonly prefix: string;
  /** The most calls at once, of each. */
  readonly room: number;
}

/** How many of them serve, and what went wrong on the way. */
export interface CrowdState {
  readonly serving: number;
  /** How often one was refused or lost, by reason. */
  readonly setbacks: Readonly<Record<string, number>>;
}

const PROVIDERS_PER_CONNECTION = 100;
/** As long as the SDK waits for an answer, and for a welcome, in milliseconds. */
const REGISTER_MS = 30_000;
const WELCOME_MS = 10_000;

const setbacks: Record<string, number> = {};
let serving = 0;

function storm({ nodes, toolset, count, prefix, room }: StormCommand): null {
  const contract = contractOf(toolset);
  let clients: readonly RegistryClient[] = [];
  for (let index = 0; index < count; index += 1) {
    if (index % PROVIDERS_PER_CONNECTION === 0) clients = nodes.map(connect);
    void provide(clients, contract, `${prefix}-${index}`, room);
  }
  return null;
}

function connect(address: string): RegistryClient {
  const { Registry } = loadProtocol();
  return new Registry(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
}

function contractOf(name: string) {
  const schema = Buffer.from(
    JSON.stringify({ type: "object", properties: { text: { type: "string" } }, required: ["text"] }),
  );
  return {
    name,
    version: "1.0.0",
    tools: [{ name: "echo", payloadSchemaJson: schema, resultSchemaJson: schema }],
  };
}

/** Which node a provider turns to, and when, as the SDK's `Nodes` has it: the next one that may be asked; else the first that may be. */
class NodeTurns {
  readonly #places: { readonly client: RegistryClient; failures: number; restsUntilMs: number }[];
  #current: number;
  #busyInARow = 0;

  constructor(clients: readonly RegistryClient[]) {
    this.#places = clients.map((client) => ({ client, failures: 0, restsUntilMs: 0 }));
    this.#current = Math.floor(Math.random() * clients.length);
  }

  async next(): Promise<RegistryClient> {
    const nowMs = performance.now();
    const turns = this.#places.map((place, index) => ({
      ...{ place, index, restMs: Math.max(0, place.restsUntilMs - nowMs) },
      turn: (index - this.#current + this.#places.length) % this.#places.length,
    }));
    turns.sort((a, b) => a.restMs - b.restMs || a.turn - b.turn);
    const [first] = turns;
    if (first === undefined) throw new Error("There is no node.");
    if (first.restMs > 0) await after(first.restMs);
    this.#current = first.index;
    return first.place.client;
  }

  succeeded(): void {
    const place = this.#places[this.#current];
    if (place !== undefined) Object.assign(place, { failures: 0, restsUntilMs: 0 });
    this.#busyInARow = 0;
  }

  /** @param isBusy the second one in a row that has too much to do speaks for all of them. */
  failed(retryAfterMs: number, isBusy: boolean): void {
    this.#busyInARow = isBusy ? this.#busyInARow + 1 : 0;
    const nowMs = performance.now();
    for (const [index, place] of this.#places.entries()) {
      if (index !== this.#current && (this.#busyInARow < 2 || place.restsUntilMs > nowMs)) continue;
      place.failures += 1;
      place.restsUntilMs =
        nowMs + Math.max(backoffMs(place.failures, Math.random), retryAfterMs * (1 + Math.random() / 2));
    }
  }
}

/** Registers, attaches, and does so again for ever. */
async function provide(
  clients: readonly RegistryClient[],
  contract: ReturnType<typeof contractOf>,
  providerId: string,
  room: number,
): Promise<void> {
  const incarnation = randomUUID();
  const nodes = new NodeTurns(clients);
  let lease: { readonly epoch: number; readonly leaseToken: string } | undefined;
  for (;;) {
    const client = await nodes.next();
    try {
      lease ??= await register(client, { contract, providerId, incarnation });
      const leaseRef = {
        toolset: contract.name,
        providerId,
        incarnation,
        epoch: lease.epoch,
        leaseToken: lease.leaseToken,
      };
      await attach(client, { lease: leaseRef, maxInFlight: room }, () => {
        nodes.succeeded();
      });
      lease = undefined; // it was told that it has lost it
      count("lease lost");
      await after(Math.random() * 500);
    } catch (error) {
      const { reason, retryAfterMs = 0 } = fromServiceError(error as ServiceError); // what grpc-js gives
      count(reason);
      if (reason === "LEASE_LOST") lease = undefined;
      nodes.failed(retryAfterMs, reason === "NODE_BUSY");
    }
  }
}

function count(setback: string): void {
  setbacks[setback] = (setbacks[setback] ?? 0) + 1;
}

function register(
  client: RegistryClient,
  request: Parameters<RegistryClient["Register"]>[0],
): Promise<RegisterResponse__Output> {
  return new Promise((resolve, reject) => {
    client.Register(request, { deadline: Date.now() + REGISTER_MS }, (error, answer) => {
      if (answer === undefined) reject(error);
      else resolve(answer);
    });
  });
}

/** Serves until the stream ends; resolves when the lease is lost. */
function attach(
  client: RegistryClient,
  hello: { readonly lease: object; readonly maxInFlight: number },
  onReady: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.Attach(new Metadata());
    const late = setTimeout(() => stream.cancel(), WELCOME_MS);
    let isServing = false;
    const over = (): void => {
      clearTimeout(late);
      if (isServing) serving -= 1;
      isServing = false;
    };
    stream.on("error", (error: ServiceError) => {
      over();
      reject(error);
    });
    stream.on("end", () => {
      over();
      resolve();
    });
    stream.on("data", ({ welcome, pings, heartbeat, ready, goAway, calls }: AttachResponse__Output) => {
      if (welcome !== null) clearTimeout(late);
      if (pings.length > 0) stream.write({ pongs: pings.map(({ nonce }) => ({ nonce })) });
      if (heartbeat !== null && !heartbeat.reply)
        stream.write({ heartbeat: { sequence: heartbeat.sequence, reply: true } });
      if (ready !== null && !isServing) {
        isServing = true;
        serving += 1;
        onReady();
      }
      if (calls.length > 0)
        stream.write({
          results: calls.map(({ callId, attempt, payloadJson }) => ({ callId, attempt, resultJson: payloadJson })),
        });
      if (goAway === null) return;
      over();
      resolve();
      stream.end();
    });
    stream.write({ hello });
  });
}

yieldToOthers();
const address = await serveCommands(async (command) => {
  const known = command as StormCommand | { readonly kind: "look" }; // the benchmark sends nothing else
  return known.kind === "storm" ? storm(known) : { serving, setbacks };
});
console.log(JSON.stringify({ event: "listening", address }));
setInterval(() => {}, 2 ** 30); // commands may come at any time
