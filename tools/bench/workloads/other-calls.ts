import { setTimeout as after } from "node:timers/promises";
import type { PacedReport } from "../actors/paced-load.js";
import type { Agent, Gateway, Stage } from "../stage.js";
import { TOOLSET } from "../stage.js";
import { payloadOf } from "./contenders.js";

/** How often the tool is called, in milliseconds. */
const PACE_MS = 10;

/** What was seen of calls that were made at a steady pace on two clusters in the same seconds. */
export interface OtherCallsReport {
  /** On the cluster that something was done to. */
  readonly here: PacedReport;
  /** On a cluster that only shares the machine with it: what is lost there, the machine's cores were too few for. */
  readonly beside: PacedReport;
}

/**
 * Calls of a toolset that has nothing to do with what is done to its cluster, and the same calls of a second cluster on the same
 * machine, with a Redis, a node and a provider of its own, to which nothing is done.
 *
 * All processes of a benchmark share a machine's cores, those that make load too. So a call is late for two reasons: because the
 * cluster has other work, or because no core was free. The second one is the same on both clusters, and the first is not.
 */
export class OtherCalls {
  readonly #here: Agent;
  readonly #beside: Agent;
  readonly #node: Gateway;
  readonly #nodeBeside: Gateway;

  private constructor(here: Agent, node: Gateway, beside: Agent, nodeBeside: Gateway) {
    this.#here = here;
    this.#node = node;
    this.#beside = beside;
    this.#nodeBeside = nodeBeside;
  }

  /** @param stage where the node is. @param beside another one, with nothing on it yet. */
  static async start(stage: Stage, node: Gateway, beside: Stage): Promise<OtherCalls> {
    await stage.provider(node);
    const nodeBeside = await beside.gateway();
    await beside.provider(nodeBeside);
    return new OtherCalls(await stage.agent(), node, await beside.agent(), nodeBeside);
  }

  /** Process ids of the agents that call. */
  get pids(): readonly number[] {
    return [this.#here.pid, this.#beside.pid];
  }

  async begin(): Promise<void> {
    await Promise.all([begin(this.#here, this.#node), begin(this.#beside, this.#nodeBeside)]);
  }

  /** Makes no more calls; resolves when all have ended. */
  async end(): Promise<OtherCallsReport> {
    const [here, beside] = await Promise.all([end(this.#here), end(this.#beside)]);
    return { here, beside };
  }

  /** Calls for so long, in milliseconds. */
  async during(ms: number, signal: AbortSignal): Promise<OtherCallsReport> {
    await this.begin();
    await after(ms, undefined, { signal });
    return await this.end();
  }
}

function begin(agent: Agent, { address }: Gateway): Promise<unknown> {
  const target = { address, toolset: TOOLSET, tool: "echo", payload: payloadOf(64) };
  return agent.send({ kind: "pace", caller: "unary", target, everyMs: PACE_MS });
}

function end(agent: Agent): Promise<PacedReport> {
  return agent.send<PacedReport>({ kind: "end_pace" });
}
