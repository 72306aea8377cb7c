import type { CallTarget } from "../callers/caller.js";
import type { Contender } from "../measure.js";
import { type Actor, type Gateway, type Stage, type StandIn, TOOLSET } from "../stage.js";

/** A JSON payload of exactly `bytes` bytes. */
export function payloadOf(bytes: number): string {
  return JSON.stringify({ text: "x".repeat(Math.max(0, bytes - '{"text":""}'.length)) });
}

/** What to call, unless said otherwise: the tool that gives back what it got. */
export interface Call {
  readonly payload: string;
  readonly tool?: string;
  /** The caller's credential. */
  readonly key?: string;
  /** The trace context of each call. */
  readonly traceparent?: string;
}

const target = (address: string, { payload, tool = "echo", key, traceparent }: Call): CallTarget => ({
  address,
  toolset: TOOLSET,
  tool,
  payload,
  ...(key === undefined ? {} : { key }),
  ...(traceparent === undefined ? {} : { traceparent }),
});

/** The bare echo, called as `how` says. */
export function echoContender(echo: Actor, call: Call, how: "unary" | "stream" | "follow" = "unary"): Contender {
  return { name: "echo", caller: how, target: target(echo.address, call), processes: { server: echo.pid } };
}

/** The official SDK's server of MCP. */
export function mcpServerContender(server: Actor, call: Call): Contender {
  return { name: "sdk", caller: "mcp", target: target(server.address, call), processes: { server: server.pid } };
}

/** Toolgate, called as `how` says. */
export function toolgateContender(
  name: string,
  how: Contender["caller"],
  { stage, gateway, provider }: { readonly stage: Stage; readonly gateway: Gateway; readonly provider: Actor },
  call: Call,
): Contender {
  return {
    name,
    caller: how,
    target: target(how === "rest" || how === "mcp" ? (gateway.httpAddress ?? "") : gateway.address, call),
    processes: { gateway: gateway.pid, provider: provider.pid, redis: stage.redisPid },
  };
}

/** What stands in for a node, called by unary calls. */
export function proxyContender(name: string, proxy: StandIn, call: Call): Contender {
  return {
    name,
    caller: "unary",
    target: target(proxy.gateway.address, call),
    processes: { gateway: proxy.gateway.pid, provider: proxy.provider.pid },
  };
}

/** The bare relay, called by a session. */
export function relayContender(stage: Stage, { gateway, provider }: StandIn, call: Call): Contender {
  return {
    name: "relay",
    caller: "session",
    target: target(gateway.address, call),
    processes: { gateway: gateway.pid, provider: provider.pid, redis: stage.redisPid },
  };
}

export function natsContender(nats: { readonly server: Actor; readonly worker: Actor }, call: Call): Contender {
  return {
    name: "nats",
    caller: "nats",
    target: target(nats.server.address, call),
    processes: { worker: nats.worker.pid, nats: nats.server.pid },
  };
}

export function jobContender(stage: Stage, worker: Actor, call: Call): Contender {
  return {
    name: "bullmq",
    caller: "job",
    target: target(stage.redisAddress, call),
    processes: { worker: worker.pid, redis: stage.redisPid },
  };
}
