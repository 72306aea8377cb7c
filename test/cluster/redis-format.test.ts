import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallHandle__Output } from "../../src/protocol/generated/toolgate/v1/CallHandle.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { contractNamed, json, provide, specOf, type Wire, wireTo } from "./wire.js";

/** `docs/redis-format.md` against what is in Redis. */

expectNoLeaks();

/** A row of the page's table. */
interface Row {
  readonly key: string;
  readonly pattern: RegExp;
  readonly type: string;
  readonly expires: string;
}

const ROW = /^\| `([^`]+)` \| ([a-z]+)[^|]* \| (yes|no) \|/gm;
/** What the page calls a type, where Redis calls it otherwise. */
const TYPES: Readonly<Record<string, string>> = { sorted: "zset" };
const page = readFileSync(new URL("../../docs/redis-format.md", import.meta.url), "utf8");
const rows: Row[] = [...page.matchAll(ROW)].map(([, key = "", type = "", expires = ""]) => ({
  key,
  pattern: new RegExp(`^${key.replace(/<[^>]+>/g, "[^:]+")}$`),
  type: TYPES[type] ?? type,
  expires,
}));
/** Those that a busy cluster does not have at every moment, or not with these settings. */
const RARE = [
  ...["commit", "damaged:<what>", "pinger", "search"],
  ...["rate:<subject>", "running:<subject>", "spent:<subject>", "failing:<subject>", "guests:<toolset>:<epoch>"],
  ...["logins:<subject>", "login-address:<subject>", "key-uses"],
  "webhook-failed:<webhook>",
  ...["audit:<day>", "audit", "audit-turn", "audit-key"],
];

let redis: TestRedis;
let client: Redis;
let cluster: Cluster;
let wire: Wire;

beforeAll(async () => {
  redis = await privateRedis();
  client = redis.client();
  cluster = await startCluster({ redis, nodes: 1, config: { ...FAST, maxAttempts: 2 } });
  wire = wireTo(cluster.addresses[0] ?? "");
});
afterAll(async () => {
  wire?.close();
  await cluster?.stop();
  await redis?.stop();
});

/** What is in Redis that the page does not have, or has otherwise; and which of its rows were found. */
async function compare(): Promise<{ readonly strange: string[]; readonly found: Set<string> }> {
  const strange: string[] = [];
  const found = new Set<string>();
  for (const key of await client.keys("*")) {
    const name = key.replace(/^toolgate:\{default\/0\}:/, "");
    const [row, ...others] = rows.filter(({ pattern }) => pattern.test(name));
    const [type, expiry] = [await client.type(key), await client.pttl(key)];
    if (type === "none") continue; // it has expired meanwhile
    const expires = expiry === -1 ? "no" : "yes";
    if (row === undefined || others.length > 0) strange.push(`${key}: ${1 + others.length} rows`);
    else if (row.type !== "any" && row.type !== type) strange.push(`${key}: ${type} in place of ${row.type}`);
    else if (row.expires !== expires) strange.push(`${key}: expires ${expires} in place of ${row.expires}`);
    else found.add(row.key);
  }
  return { strange, found };
}

const start = (tool: string): Promise<CallHandle__Output> =>
  ask<{ handle: CallHandle__Output | null }>((cb) => wire.gateway.callTool({ call: specOf("busy", tool) }, cb)).then(
    ({ handle }) => handle as CallHandle__Output,
  ); // an admitted call has one

const stateOf = async ({ callId }: CallHandle__Output): Promise<string> =>
  (await ask<GetCallResponse__Output>((cb) => wire.gateway.getCall({ callId }, cb))).state;

test("the page has every key that a busy cluster leaves in Redis, with its type and whether it expires", async () => {
  expect(rows.map(({ key }) => key)).toEqual(expect.arrayContaining([...RARE, "call:<id>"]));
  // A document is made and removed.
  const ref = { kind: "role", name: "short-lived" };
  const change = (body: string) => ({ changes: [{ ref, bodyJson: Buffer.from(body) }] });
  await ask((cb) => wire.documents.applyDocuments(change('{"rules":[]}'), cb));
  await ask((cb) => wire.documents.applyDocuments(change(""), cb));
  // A webhook waits: no node has a folder of secrets.
  const webhook = { url: "https://hooks.example/", secrets: ["main"], match: {} };
  const waits = { ref: { kind: "webhook", name: "waits" }, bodyJson: json(webhook) };
  await ask((cb) => wire.documents.applyDocuments({ changes: [waits] }, cb));
  // One call ends with output, another waits for a provider that has not lost it, and is given up.
  const first = await provide(wire, [wire], contractNamed("busy"));
  const ended = await start("echo");
  const [given] = await first.given(1);
  if (given === undefined) throw new Error("a call was given");
  first.stream.send({
    deltas: [{ callId: given.callId, attempt: given.attempt, dataJson: json("some") }],
  });
  first.finish(given, "done");
  await until("it has ended", async () => (await stateOf(ended)) === "CALL_STATE_ENDED");
  await start("again");
  await first.given(2);
  first.stream.cut();
  await until("it waits for another provider", async () => (await compare()).found.has("again:<toolset>:<epoch>"));
  const before = await compare();
  const second = await provide(wire, [wire], contractNamed("busy"), { maxInFlight: 1 });
  await second.given(1);
  second.stream.cut();
  await until("it is given up", async () => (await compare()).found.has("dead:<toolset>"));
  const after = await compare();
  expect([...before.strange, ...after.strange]).toEqual([]);
  const found = new Set([...before.found, ...after.found, ...RARE]);
  expect(rows.filter(({ key }) => !found.has(key))).toEqual([]);
});
