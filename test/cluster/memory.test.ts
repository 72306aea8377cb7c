import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import type { InvokeResponse__Output } from "../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { framed, RawConnection, type RawEnd, type RawStream } from "../support/raw-grpc.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { COLLECTS_ON_SIGNAL, collectGarbage, residentBytes, watchResident } from "../support/resident.js";
import { until } from "../support/until.js";
import { callable, contractNamed, FrameStream, json, specOf, type Wire, wireTo } from "./wire.js";

expectNoLeaks();

const MiB = 1_048_576;
const HELD_BYTES = 64 * MiB;
/** What the node may take besides what it holds: what is on its way, and what is not collected yet. */
const SLACK_BYTES = 128 * MiB;
/** How near to what it was the memory must come again. */
const NEAR_BYTES = 64 * MiB;
/** A call with a large result, and how large that is. */
const LARGE_BYTES = MiB / 4;
const LARGE_CALL = specOf("answers", "echo", { payloadJson: json({ large: true }) });
const INVOKE = "/toolgate.v1.Gateway/Invoke";
const SESSION = "/toolgate.v1.Gateway/Session";
/** RESOURCE_EXHAUSTED, and what a reset says in its place: ENHANCE_YOUR_CALM. */
const EXHAUSTED = "8";
const CALM = 11;

let redis: TestRedis;
let cluster: Cluster;
let good: Wire;
let provider: FrameStream<object, unknown>;
let pid: number;

beforeAll(async () => {
  redis = await privateRedis();
  const config = {
    // The provider shares its process with the attacks, and may answer late.
    pingIntervalMs: 1_000,
    missedPings: 30,
    maxHeldBytes: HELD_BYTES,
    maxHeldBytesPerPeer: 16 * MiB,
    messageTimeoutMs: 6_000,
    readTimeoutMs: 3_000,
  };
  const nodeOptions = ["--max-old-space-size=64", ...COLLECTS_ON_SIGNAL];
  cluster = await startCluster({ redis, nodes: 1, config, nodeOptions });
  pid = cluster.pid(0);
  good = wireTo(cluster.addresses[0] ?? "");
  const request = { contract: contractNamed("answers"), providerId: "p1", incarnation: "i1" };
  const { epoch, leaseToken } = await ask<{ epoch: number; leaseToken: string }>((cb) =>
    good.registry.register(request, cb),
  );
  // It answers with a small result, or with a large one if it is given anything.
  const large = json("x".repeat(LARGE_BYTES));
  const stream = new FrameStream(good.registry.attach(), ({ pings, calls }) => {
    if (pings.length > 0) stream.send({ pongs: pings });
    for (const { callId, attempt, payloadJson } of calls)
      stream.send({ results: [{ callId, attempt, resultJson: payloadJson.length > 2 ? large : json("fine") }] });
    stream.frames.length = 0;
  });
  const lease = { toolset: "answers", epoch, providerId: "p1", incarnation: "i1", leaseToken };
  stream.send({ hello: { lease, maxInFlight: 100 } });
  provider = stream;
  await callable("answers", [good]);
  // A node that has worked for a while holds more than one that has just started.
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, () => largeCall()));
});
afterAll(async () => {
  provider?.cut();
  good?.close();
  await cluster?.stop();
  await redis?.stop();
});

async function call(): Promise<void> {
  const { terminal } = await ask<InvokeResponse__Output>((cb) => good.gateway.invoke({ call: specOf("answers") }, cb));
  expect(terminal?.resultJson.toString()).toBe('"fine"');
}

async function largeCall(): Promise<void> {
  const { terminal } = await ask<InvokeResponse__Output>((cb) => good.gateway.invoke({ call: LARGE_CALL }, cb));
  expect(terminal?.resultJson).toHaveLength(LARGE_BYTES + 2);
}

let before: number;
let beforeCollection: number;
let most: () => number;
let served: number;
let calling: { stop: boolean; readonly ended: Promise<void> };

/** A good client calls all the while, from a connection of its own. */
beforeEach(async () => {
  for (let i = 0; i < 100; i++) await call();
  beforeCollection = residentBytes(pid);
  collectGarbage(pid);
  await call(); // answered after the collection
  before = residentBytes(pid);
  most = watchResident(pid);
  served = 0;
  const state = { stop: false, ended: Promise.resolve() };
  state.ended = (async () => {
    for (; !state.stop; served++) await call();
  })();
  state.ended.catch(() => {}); // it is awaited below
  calling = state;
});

afterEach(async () => {
  try {
    await until(
      "the memory is near what it was",
      () => {
        collectGarbage(pid);
        const more = residentBytes(pid) - before;
        if (more > NEAR_BYTES) throw new Error(`it is ${Math.round(more / MiB)} MiB more`);
        return true;
      },
      { withinMs: 20_000, everyMs: 100 },
    );
  } finally {
    calling.stop = true;
    const more = most() - beforeCollection;
    await calling.ended;
    expect(cluster.pid(0), "the node lives").toBe(pid);
    expect(more).toBeLessThan(HELD_BYTES + SLACK_BYTES);
    expect(served).toBeGreaterThan(10);
  }
});

function connection(options: ConstructorParameters<typeof RawConnection>[1] = {}): RawConnection {
  const made = new RawConnection(good.address, options);
  onTestFinished(() => made.close());
  return made;
}

const endsOf = (streams: readonly RawStream[]): Promise<RawEnd[]> => Promise.all(streams.map(({ ended }) => ended));
const wasExhausted = ({ status, rstCode }: RawEnd): boolean => status === EXHAUSTED || rstCode === CALM;

test("300 messages of 8 MiB that lack their last byte are ended: those that hold most at once, the rest in time", async () => {
  const connections = Array.from({ length: 30 }, () => connection());
  const half = framed(Buffer.alloc(8 * MiB - 1), { declared: 8 * MiB });
  const streams = connections.flatMap((one) => Array.from({ length: 10 }, () => one.open(INVOKE)));
  for (const { send } of streams) send(half);
  const ends = await endsOf(streams);
  expect(ends.filter(wasExhausted)).toHaveLength(300);
  expect(ends.filter(({ message }) => /holds the most/.test(message)).length).toBeGreaterThan(0);
  expect(ends.filter(({ message }) => /did not arrive whole within 6 s/.test(message)).length).toBeGreaterThan(0);
});

test("50 messages at once that inflate to 8 MiB are inflated a few at a time", async () => {
  const one = connection();
  const bomb = framed(gzipSync(Buffer.alloc(8 * MiB - 1)), { compressed: true });
  const streams = Array.from({ length: 50 }, () => one.open(INVOKE, { "grpc-encoding": "gzip" }));
  for (const { stream } of streams) stream.end(bomb);
  // Eight MiB of zeros are no request.
  expect((await endsOf(streams)).map(({ status }) => status)).toEqual(Array(50).fill("13"));
});

test("100 sessions that never read what they asked for are ended", async () => {
  const { Gateway } = loadProtocol();
  // One call, asked for again and again: nothing but its result is to be had.
  const call = { ...LARGE_CALL, meta: { runId: "r1", toolCallId: "t1" } };
  await ask((cb) => good.gateway.invoke({ call }, cb));
  const calls = Array.from({ length: 6 }, (_, ref) => ({ ref, call }));
  const frame = framed(Gateway.service.Session?.requestSerialize({ maxMessageBytes: 64 * MiB, calls }) as Buffer);
  const connections = Array.from({ length: 10 }, () => connection({ windowBytes: 0 }));
  const streams = connections.flatMap((one) => Array.from({ length: 10 }, () => one.open(SESSION)));
  for (const { stream } of streams) stream.write(frame);
  expect((await endsOf(streams)).filter(wasExhausted)).toHaveLength(100);
});
