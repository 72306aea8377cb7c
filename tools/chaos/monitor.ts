import { appendFileSync } from "node:fs";
import type { Metadata, ServiceError } from "@grpc/grpc-js";
import type { GetToolsetResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { InvokeResponse__Output } from "../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { readError } from "../../src/sdk/request.js";
import { callIdFor } from "./call-ids.js";
import { TOOLS, type ToolInput } from "./call-plan.js";
import { type Credentials, inTenant } from "./credentials.js";
import { answerOf, callerMetadata, type GatewayClient } from "./gateway-client.js";
import type { HistoryEvent } from "./history.js";
import { machineMs } from "./machine-clock.js";

/** How one gateway was found. */
export interface Sample {
  readonly gateway: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Empty when all was well: every toolset healthy and not stale, and a call answered. */
  readonly why: string;
}

export interface MonitorOptions {
  readonly gateways: readonly GatewayClient[];
  /** By their identities. */
  readonly toolsets: readonly string[];
  /** The keys of those that may call them, where the gateways ask for one. */
  readonly credentials?: Credentials | undefined;
  readonly historyFile: string;
  /** Unique among the monitors of a run. */
  readonly runId: string;
  /** How many shards the gateways make on their store. */
  readonly shards: number;
}

const EVERY_MS = 200;
const ANSWER_WITHIN_MS = 1_500;

/**
 * Asks every gateway again and again whether all is well there, as a load balancer and an agent would: its catalogue must show
 * every toolset healthy, and a call must come back. Its calls are part of the history like all others.
 */
export class Monitor {
  /** By the machine's clock. */
  readonly samples: Sample[] = [];
  readonly #options: MonitorOptions;
  readonly #running: Promise<void>[] = [];
  #stopped = false;
  #calls = 0;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  start(): void {
    for (const gateway of this.#options.gateways) this.#running.push(this.#watch(gateway));
  }

  /** Resolves when its last question is answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** When each gateway was well for the first time in questions asked after a time; undefined while one was not. */
  wellSince(fromMs: number): number | undefined {
    let latest = fromMs;
    for (const { name } of this.#options.gateways) {
      const first = this.samples.find((one) => one.gateway === name && one.fromMs >= fromMs && one.why === "");
      if (first === undefined) return undefined;
      latest = Math.max(latest, first.toMs);
    }
    return latest;
  }

  /** What is wrong now, by the last sample of each gateway. */
  complaint(): string {
    return this.#options.gateways
      .flatMap(({ name }) => {
        const last = this.samples.findLast((one) => one.gateway === name);
        return last === undefined || last.why === "" ? [] : [`${name}: ${last.why}`];
      })
      .join("; ");
  }

  async #watch(gateway: GatewayClient): Promise<void> {
    while (!this.#stopped) {
      const fromMs = machineMs();
      const why = await this.#ask(gateway);
      this.samples.push({ gateway: gateway.name, fromMs, toMs: machineMs(), why });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async #ask(client: GatewayClient): Promise<string> {
    for (const toolset of this.#options.toolsets) {
      const { name } = inTenant(toolset);
      const deadline = Date.now() + ANSWER_WITHIN_MS;
      try {
        const { epochs, stale } = await answerOf<GetToolsetResponse__Output>((callback) =>
          client.catalog.getToolset({ name }, this.#caller(toolset), { deadline }, callback),
        );
        if (stale) return `its catalogue is stale`;
        if (epochs[0]?.health?.healthy !== true) return `${toolset} is not healthy`;
      } catch (error) {
        return String(error);
      }
    }
    for (const toolset of this.#options.toolsets) {
      const why = await this.#call(client, toolset);
      if (why !== "") return why;
    }
    return "";
  }

  async #call({ name, gateway }: GatewayClient, toolset: string): Promise<string> {
    this.#calls += 1;
    const { runId, shards } = this.#options;
    const toolCallId = String(this.#calls);
    const call = callIdFor(toolset, runId, toolCallId, shards);
    const request = `${runId}/${toolCallId}`;
    const input: ToolInput = { n: this.#calls, ms: 0, pieces: 0, stubborn: false };
    const spec = {
      toolset: inTenant(toolset).name,
      tool: TOOLS.once,
      payloadJson: Buffer.from(JSON.stringify(input)),
      meta: { runId, toolCallId },
      timeoutMs: ANSWER_WITHIN_MS,
    };
    const deadline = Date.now() + ANSWER_WITHIN_MS;
    const common = { request, call };
    this.#note({
      kind: "asked",
      ...common,
      n: input.n,
      toolset,
      delivery: "once",
      timeoutMs: ANSWER_WITHIN_MS,
      how: name,
    });
    try {
      const { terminal } = await answerOf<InvokeResponse__Output>((callback) =>
        gateway.invoke({ call: spec }, this.#caller(toolset), { deadline }, callback),
      );
      if (terminal?.kind !== "TERMINAL_KIND_RESULT") {
        this.#note({ kind: "unknown", ...common, reason: terminal?.kind ?? "no terminal" });
        return `a call ended as ${terminal?.kind ?? "nothing"}`;
      }
      const body = JSON.stringify(JSON.parse(terminal.resultJson.toString()));
      this.#note({ kind: "ended", ...common, terminal: { kind: "result", body } });
      return "";
    } catch (error) {
      const { executed, reason, message } = readError(error as ServiceError, name); // a unary call fails with nothing else
      this.#note({
        kind: executed === "no" ? "refused" : "unknown",
        ...common,
        reason,
        message: message.slice(0, 300),
      });
      return `a call failed with ${reason}`;
    }
  }

  /** Who may call a toolset. */
  #caller(toolset: string): Metadata {
    return callerMetadata(this.#options.credentials?.agentOf(toolset));
  }

  #note(
    event: HistoryEvent extends infer Event ? (Event extends HistoryEvent ? Omit<Event, "atMs"> : never) : never,
  ): void {
    appendFileSync(this.#options.historyFile, `${JSON.stringify({ ...event, atMs: machineMs() })}\n`);
  }
}
