import { difference, paired, ratio, type Target } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Workload, WorkloadContext } from "../workload.js";
import {
  echoContender,
  jobContender,
  natsContender,
  payloadOf,
  proxyContender,
  relayContender,
  toolgateContender,
} from "./contenders.js";

/** `Invoke` and `Session` beside what else one could use, with a Redis that keeps no file and with one that does. */

const higher = (least: number, aim: number): Target => ({ better: "higher", least, aim });
const lower = (least: number, aim: number): Target => ({ better: "lower", least, aim });

/** By calls in flight, with 64 B. */
const SESSION_TARGETS: Readonly<Record<"memory" | "file", Readonly<Record<number, Target>>>> = {
  memory: { 16: higher(1.5, 2.2), 64: higher(2.5, 3.4), 256: higher(4, 6) },
  file: { 16: higher(1.3, 2), 64: higher(2, 3), 256: higher(3, 5) },
};
const INVOKE_TARGETS: Readonly<Record<number, Target>> = {
  16: higher(0.5, 0.7),
  64: higher(0.65, 0.8),
  256: higher(0.75, 1),
};

export const CALLS: Workload = {
  name: "calls",
  description: "Invoke and Session beside a bare echo, proxies, a bare relay, BullMQ and NATS; Redis without a file",
  run: (context) => run(context, "memory"),
};

export const CALLS_FILE: Workload = {
  name: "calls-file",
  description: "the same with Redis's append-only file, synced every second",
  run: (context) => run(context, "file"),
};

async function run(context: WorkloadContext, redis: "memory" | "file"): Promise<void> {
  context.progress(`starting the processes, Redis ${redis === "file" ? "with" : "without"} an append-only file`);
  const stage = await context.stage({ appendOnly: redis === "file" });
  const agent = await stage.agent();
  const echo = await stage.echo();
  const baselines =
    redis === "memory"
      ? {
          proxy: await stage.proxy(),
          streamProxy: await stage.streamProxy(),
          relay: await stage.relay(),
          worker: await stage.worker(),
          nats: await stage.nats(),
        }
      : undefined;
  if (baselines !== undefined && baselines.nats === undefined)
    context.note("NATS JetStream is not measured: there is no nats-server on the PATH.");
  const gateway = await stage.gateway();
  const own = { stage, gateway, provider: await stage.provider(gateway) };
  const other = context.against === undefined ? undefined : await otherBuild(context.against);

  async function otherBuild(dist: string) {
    const gateway = await stage.gateway({ registry: "other", dist });
    return { stage, gateway, provider: await stage.provider(gateway) };
  }

  // What a file costs is judged by small payloads.
  for (const payloadBytes of redis === "file" ? context.payloadBytes.slice(0, 1) : context.payloadBytes) {
    const call = { payload: payloadOf(payloadBytes) };
    const contendersAt = (inFlight: number): readonly Contender[] => [
      echoContender(echo, call),
      toolgateContender("invoke", "unary", own, call),
      toolgateContender("session", "session", own, call),
      ...(redis === "memory" ? [toolgateContender("sdk", "sdk", own, call)] : []),
      ...(other
        ? [
            toolgateContender("other invoke", "unary", other, call),
            toolgateContender("other session", "session", other, call),
          ]
        : []),
      ...(payloadBytes === 64 && baselines !== undefined ? [relayContender(stage, baselines.relay, call)] : []),
      // What else one could use is compared at one size and one load.
      ...(payloadBytes === 64 && inFlight === 64 && baselines !== undefined
        ? [
            proxyContender("proxy", baselines.proxy, call),
            proxyContender("stream proxy", baselines.streamProxy, call),
            jobContender(stage, baselines.worker, call),
            ...(baselines.nats ? [natsContender(baselines.nats, call)] : []),
          ]
        : []),
    ];
    for (const inFlight of context.loads) {
      const say = ({ name }: Contender) => context.progress(`${name}, ${inFlight} in flight, ${payloadBytes} B`);
      const found = await interleave(stage, agent, contendersAt(inFlight), inFlight, context.effort, say);
      for (const [contender, measurements] of found)
        context.detail({
          work: redis === "file" ? "calls-file" : "calls",
          contender,
          inFlight,
          payloadBytes,
          measurements,
        });
      addFigures(context, redis, found, inFlight, payloadBytes);
    }
  }
}

function addFigures(
  context: WorkloadContext,
  redis: "memory" | "file",
  found: ReadonlyMap<string, readonly Measurement[]>,
  inFlight: number,
  payloadBytes: number,
): void {
  const work = redis === "file" ? "calls-file" : "calls";
  const size = payloadBytes === 64 ? "" : `, ${payloadBytes} B`;
  const remark = `${inFlight} in flight${size}${redis === "file" ? ", append-only file" : ""}`;
  const of = (contender: string, pick: (measurement: Measurement) => number): number[] =>
    (found.get(contender) ?? []).map(pick);
  const add = (
    name: string,
    what: string,
    unit: "×" | "ms" | "",
    values: readonly number[],
    target: Target | undefined,
  ): void => {
    if (values.length === 0) return;
    const id = `${work}/${name}@${inFlight}${payloadBytes === 64 ? "" : `/${payloadBytes}`}`;
    // The targets are for small payloads and, but for the session's throughput, for a Redis without a file.
    const applies = target !== undefined && payloadBytes === 64;
    context.figure({ id, what: `${what}, ${remark}`, unit, values, ...(applies ? { target } : {}) });
  };
  const rates = (left: string, right: string): number[] => paired(of(left, perSecond), of(right, perSecond), ratio);
  const memory = (target: Target): Target | undefined => (redis === "memory" ? target : undefined);

  if (inFlight === 1) {
    for (const [name, label, target] of [
      ["invoke", "Invoke", lower(0.8, 0.5)],
      ["session", "Session", lower(0.25, 0.1)],
      ["sdk", "SDK session", undefined],
      ["relay", "Bare relay", undefined],
    ] as const) {
      const above = paired(of(name, medianMs), of("echo", medianMs), difference);
      add(`${name}-above-echo`, `${label} alone, median above the echo's`, "ms", above, target && memory(target));
    }
    const aboveRelay = paired(of("session", medianMs), of("relay", medianMs), difference);
    add("session-above-relay", "Session alone, median above the bare relay's", "ms", aboveRelay, undefined);
    for (const [name, label] of [
      ["invoke", "Invoke"],
      ["session", "Session"],
    ] as const)
      add(`${name}-scripts`, `Redis scripts per call, ${label}`, "", of(name, scripts), memory(lower(3.1, 3)));
  }
  add("session-vs-echo", "Session against the echo", "×", rates("session", "echo"), SESSION_TARGETS[redis][inFlight]);
  add("sdk-vs-echo", "SDK session against the echo", "×", rates("sdk", "echo"), undefined);
  const invokeTarget = INVOKE_TARGETS[inFlight];
  add("invoke-vs-echo", "Invoke against the echo", "×", rates("invoke", "echo"), invokeTarget && memory(invokeTarget));
  if (inFlight > 1)
    add("session-vs-relay", "Session against the bare relay", "×", rates("session", "relay"), undefined);
  add("session-vs-other", "Session against the other build's", "×", rates("session", "other session"), undefined);
  add("invoke-vs-other", "Invoke against the other build's", "×", rates("invoke", "other invoke"), undefined);
  for (const [name, label] of [
    ["session", "Session"],
    ["invoke", "Invoke"],
  ] as const) {
    for (const part of ["gateway", "redis"]) {
      const cpu = (one: Measurement): number => one.cpuPerCall[part] ?? Number.NaN;
      const against = paired(of(name, cpu), of(`other ${name}`, cpu), ratio);
      add(
        `${name}-${part}-cpu-vs-other`,
        `${label}, CPU of ${part} per call against the other build's`,
        "×",
        against,
        undefined,
      );
    }
  }
  if (inFlight === 64) {
    const cpu = (name: string): number[] => paired(of(name, cpuTotal), of("echo", cpuTotal), ratio);
    add("invoke-cpu", "CPU per call against the echo's, Invoke", "×", cpu("invoke"), memory(lower(1.8, 1.3)));
    add("session-cpu", "CPU per call against the echo's, Session", "×", cpu("session"), memory(lower(0.6, 0.25)));
    add("invoke-vs-bullmq", "Invoke against BullMQ", "×", rates("invoke", "bullmq"), memory(higher(1.3, 1.7)));
    add("session-vs-bullmq", "Session against BullMQ", "×", rates("session", "bullmq"), memory(higher(5, 7)));
    add("session-vs-nats", "Session against NATS JetStream", "×", rates("session", "nats"), memory(higher(0.8, 1.2)));
    add("invoke-vs-proxy", "Invoke against the plain proxy", "×", rates("invoke", "proxy"), memory(higher(1.4, 1.8)));
    const streamed = rates("invoke", "stream proxy");
    add("invoke-vs-stream-proxy", "Invoke against a proxy over one stream", "×", streamed, undefined);
    for (const [name, label] of [
      ["invoke", "Invoke"],
      ["session", "Session"],
    ] as const)
      add(
        `${name}-scripts`,
        `Redis scripts per call, ${label}`,
        "",
        of(name, scripts),
        memory({ better: "lower", least: 0.5 }),
      );
  }
}

const perSecond = (measurement: Measurement): number => measurement.perSecond;
const medianMs = (measurement: Measurement): number => measurement.medianMs;
const cpuTotal = (measurement: Measurement): number => measurement.cpuPerCallTotal;
const scripts = (measurement: Measurement): number => measurement.redisScriptsPerCall;
