import type { Store } from "./store.js";

/** What can be done to a cluster, by name. Each has a target, lasts a while, and is healed. */
export const FAULTS = {
  "kill-gateway": "kill -9 of a gateway, started again after a while",
  "kill-pinger": "kill -9 of the gateway that pings",
  "kill-provider": "kill -9 of a provider, started again after a while",
  "freeze-gateway": "SIGSTOP of a gateway, then SIGCONT",
  "freeze-pinger": "SIGSTOP of the gateway that pings, then SIGCONT",
  "freeze-provider": "SIGSTOP of a provider, then SIGCONT",
  "restart-gateway": "SIGTERM of a gateway, which must drain and exit with 0, then its start",
  "restart-provider": "SIGTERM of a provider, then its start",
  storm: "many more providers of a toolset register at once, and leave together",
  "restart-store": "kill -9 of Redis, started again with its append-only file",
  "long-outage": "SIGSTOP of Redis for longer than claims and leases last, then SIGCONT",
  "cut-store-link": "a gateway's connections to Redis are reset, new ones too for a while",
  "stall-store-link": "nothing passes between a gateway and Redis for a while; then it arrives late",
  "blackhole-store-link": "a gateway's connections to Redis swallow everything, for ever; new ones for a while",
  "lose-store-replies": "a gateway's commands reach Redis, the replies are lost with the connection",
  "cut-agent-link": "the agents' connections to a gateway are reset, new ones too for a while",
  "blackhole-agent-link": "the agents' connections to a gateway swallow everything, for ever; new ones for a while",
  "lose-agent-replies": "agents' requests reach a gateway, the answers are lost with the connection",
  "cut-provider-link": "the providers' connections to a gateway are reset, new ones too for a while",
  "blackhole-provider-link":
    "the providers' connections to a gateway swallow everything, for ever; new ones for a while",
  "lose-provider-frames": "providers' frames reach a gateway, its own are lost with the connection",
  "step-clock": "the wall clock of a gateway or provider is stepped, then stepped back",
  "kill-master": "kill -9 of a Redis master until a replica has its place; then it comes back as a replica",
  "freeze-master": "SIGSTOP of a Redis master until a replica has its place, then SIGCONT",
  "forget-scripts": "SCRIPT FLUSH",
  "forget-groups": "XGROUP DESTROY of every line of waiting calls",
  "forget-changes": "DEL of the streams that tell of changes to the catalogue",
  flush: "FLUSHALL, SCRIPT FLUSH with it",
} as const satisfies Record<string, string>;

/** One of them. */
export type FaultKind = keyof typeof FAULTS;

/** Groups of faults that are asked for by one word. */
export const SCENARIOS = {
  kill: ["kill-gateway", "kill-pinger", "kill-provider"],
  freeze: ["freeze-gateway", "freeze-pinger", "freeze-provider"],
  restart: ["restart-gateway", "restart-provider"],
  storm: ["storm"],
  store: ["restart-store", "long-outage"],
  failover: ["kill-master", "freeze-master"],
  cut: ["cut-store-link", "cut-agent-link", "cut-provider-link"],
  blackhole: ["stall-store-link", "blackhole-store-link", "blackhole-agent-link", "blackhole-provider-link"],
  "lose-replies": ["lose-store-replies", "lose-agent-replies", "lose-provider-frames"],
  clock: ["step-clock"],
  forget: ["forget-scripts", "forget-groups", "forget-changes"],
  flush: ["flush"],
} as const satisfies Record<string, readonly FaultKind[]>;

/** One of them. */
export type ScenarioName = keyof typeof SCENARIOS;

/** What a kind of fault is done to. */
export type TargetKind = "gateway" | "pinger" | "provider" | "crowd" | "store" | "clock";

/** What each kind of fault is done to, and how long it lasts, in milliseconds. */
export const FAULT_SHAPES = {
  "kill-gateway": { target: "gateway", lastsMs: [200, 2_500] },
  "kill-pinger": { target: "pinger", lastsMs: [200, 2_500] },
  "kill-provider": { target: "provider", lastsMs: [200, 3_000] },
  "freeze-gateway": { target: "gateway", lastsMs: [300, 4_000] },
  "freeze-pinger": { target: "pinger", lastsMs: [500, 4_000] },
  "freeze-provider": { target: "provider", lastsMs: [300, 6_000] },
  "restart-gateway": { target: "gateway", lastsMs: [0, 500] },
  "restart-provider": { target: "provider", lastsMs: [0, 500] },
  storm: { target: "crowd", lastsMs: [1_500, 4_000] },
  "restart-store": { target: "store", lastsMs: [100, 2_500] },
  // The claim lease of once is 3 s, and a lease lasts 4 s: see settings.ts.
  "long-outage": { target: "store", lastsMs: [4_500, 7_000] },
  "cut-store-link": { target: "gateway", lastsMs: [0, 2_000] },
  "stall-store-link": { target: "gateway", lastsMs: [200, 3_500] },
  "blackhole-store-link": { target: "gateway", lastsMs: [300, 2_500] },
  "lose-store-replies": { target: "gateway", lastsMs: [50, 600] },
  "cut-agent-link": { target: "gateway", lastsMs: [0, 1_500] },
  "blackhole-agent-link": { target: "gateway", lastsMs: [300, 2_000] },
  "lose-agent-replies": { target: "gateway", lastsMs: [50, 600] },
  "cut-provider-link": { target: "gateway", lastsMs: [0, 1_500] },
  "blackhole-provider-link": { target: "gateway", lastsMs: [300, 2_500] },
  "lose-provider-frames": { target: "gateway", lastsMs: [50, 600] },
  "step-clock": { target: "clock", lastsMs: [1_500, 4_000] },
  "kill-master": { target: "store", lastsMs: [3_000, 3_000] },
  "freeze-master": { target: "store", lastsMs: [3_000, 3_000] },
  "forget-scripts": { target: "store", lastsMs: [0, 0] },
  "forget-groups": { target: "store", lastsMs: [0, 0] },
  "forget-changes": { target: "store", lastsMs: [0, 0] },
  flush: { target: "store", lastsMs: [0, 0] },
} as const satisfies Record<FaultKind, { readonly target: TargetKind; readonly lastsMs: readonly [number, number] }>;

/** Faults that some kind of store has, and others have not; all others are for all. */
const STORE_FAULTS: Readonly<Partial<Record<FaultKind, Store["kind"]>>> = {
  "restart-store": "single",
  "long-outage": "single",
  "cut-store-link": "single",
  "stall-store-link": "single",
  "blackhole-store-link": "single",
  "lose-store-replies": "single",
  "forget-scripts": "single",
  "forget-groups": "single",
  "forget-changes": "single",
  "kill-master": "group",
  "freeze-master": "group",
};

/** Whether a fault can be done to a cluster on such a store. */
export function suits(kind: FaultKind, store: Store["kind"]): boolean {
  return (STORE_FAULTS[kind] ?? store) === store;
}

/** Faults that excuse no failed request. */
export const UNNOTICED: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "restart-gateway",
  "storm",
  "step-clock",
  "forget-scripts",
  "forget-groups",
  "forget-changes",
]);

/** Faults by which nothing that is under way is lost. */
export const GRACEFUL: ReadonlySet<FaultKind> = new Set<FaultKind>([...UNNOTICED, "restart-provider"]);
