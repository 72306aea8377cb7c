import { randomUUID } from "node:crypto";
import { credentials, InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type Toolgate } from "../../src/index.js";
import type { LeaseRef } from "../../src/protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterResponse__Output } from "../../src/protocol/generated/toolgate/v1/RegisterResponse.js";
import { loadProtocol, type Protocol } from "../../src/protocol/load.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { endOf } from "../front/grpc/stream-end.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import { contractNamed, FrameStream, json, type ProviderStream } from "./wire.js";

/*
 * Who may do what a provider does: three strangers to a toolset, and everything that its provider can ask for. The first two have stolen the
 * token of its lease.
 */

expectNoLeaks();

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
let agent: Toolgate;
const open: Caller[] = [];

interface Caller {
  readonly registry: InstanceType<Protocol["Registry"]>;
  readonly gateway: InstanceType<Protocol["Gateway"]>;
}

/** Bare clients of a node that send a key with each request. */
function callerWith(key: string): Caller {
  const { Registry, Gateway } = loadProtocol();
  const withKey: Interceptor = (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, start) {
        metadata.set("authorization", `Bearer ${key}`);
        start(metadata, listener);
      },
    });
  const options = { interceptors: [withKey], "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
  const [address = ""] = cluster.addresses;
  const caller = {
    registry: new Registry(address, credentials.createInsecure(), options),
    gateway: new Gateway(address, credentials.createInsecure(), options),
  };
  open.push(caller);
  return caller;
}

async function callerOf(tenant: string, principal: string, ...roles: string[]): Promise<Caller> {
  return callerWith((await admin.access.createKey({ tenant, principal, roles })).key);
}

const CONTRACT = contractNamed("files");
const who = { providerId: "p1", incarnation: randomUUID() };
let owner: Caller;
let lease: LeaseRef;
let stream: ProviderStream;
let callId: string;
let strangers: Readonly<Record<string, Caller>>;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, nodes: 1, config: STEADY });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  await admin.documents.apply(["acme", "beta"].map((name) => ({ tenant: "default", kind: "tenant", name, body: {} })));
  owner = await callerOf("acme", "owner", "provider");
  strangers = {
    "a provider of another tenant": await callerOf("beta", "owner", "provider"),
    "an agent of the tenant": await callerOf("acme", "agent", "agent"),
    "another provider of the tenant": await callerOf("acme", "other", "provider"),
  };
  const registered = await ask<RegisterResponse__Output>((cb) =>
    owner.registry.register({ contract: CONTRACT, ...who }, cb),
  );
  lease = { toolset: "files", epoch: registered.epoch, leaseToken: registered.leaseToken, ...who };
  stream = new FrameStream(owner.registry.attach(), ({ pings, heartbeat }) => {
    if (pings.length > 0) stream.send({ pongs: pings });
    if (heartbeat?.reply === false) stream.send({ heartbeat: { ...heartbeat, reply: true } });
  });
  stream.send({ hello: { lease, maxInFlight: 10 } });
  agent = await connect(cluster.nodes, {
    key: (await admin.access.createKey({ tenant: "acme", principal: "caller", roles: ["agent"] })).key,
  });
  await until("it can be called", async () => (await agent.get("files").catch(() => undefined))?.healthy);
  ({ callId } = await agent.call("files", "echo", { secret: "canary" }));
  await until("its provider has the call", () => stream.all(({ calls }) => calls).length === 1);
});
afterAll(async () => {
  stream?.cut();
  await agent?.close();
  await admin?.close();
  for (const { registry, gateway } of open) {
    registry.close();
    gateway.close();
  }
  await cluster?.stop();
  await redis?.stop();
});

interface Attempt {
  /** The toolset, as the stranger has to name it. */
  readonly name: string;
  readonly lease: LeaseRef;
}

const ATTEMPTS: Readonly<Record<string, (caller: Caller, attempt: Attempt) => Promise<{ readonly reason: string }>>> = {
  register: ({ registry }, { name }) =>
    refusal((cb) => registry.register({ contract: { ...CONTRACT, name }, ...who, incarnation: randomUUID() }, cb)),
  replace: ({ registry }, { name }) =>
    refusal((cb) =>
      registry.register(
        { contract: contractNamed(name, { description: "other" }), ...who, options: { replace: true } },
        cb,
      ),
    ),
  attach: async ({ registry }, { lease }) => {
    const answering = registry.attach();
    const ended = endOf(answering);
    // Answers the call that is in the owner's hands, too.
    const results = [{ callId, attempt: 1, resultJson: json("forged") }];
    answering.write({ hello: { lease, maxInFlight: 1, inHand: [{ callId, attempt: 1 }] }, results });
    const { error } = await ended;
    return error ?? { reason: "answered" };
  },
  pong: ({ registry }, { lease }) => refusal((cb) => registry.pong({ lease }, cb)),
  renew: ({ registry }, { lease }) =>
    refusal((cb) => registry.renew({ lease, maxInFlight: 1, inHand: [{ callId, attempt: 1 }] }, cb)),
  drain: ({ registry }, { lease }) => refusal((cb) => registry.drain({ lease }, cb)),
  release: ({ registry }, { lease }) => refusal((cb) => registry.release({ lease }, cb)),
  unregister: ({ registry }, { name, lease }) =>
    refusal((cb) => registry.unregister({ name, epoch: lease.epoch ?? 0 }, cb)),
};

const REASONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a provider of another tenant": {
    register: "INVALID_CONTRACT", // a contract's name has no tenant
    replace: "INVALID_CONTRACT",
    unregister: "UNKNOWN_TOOLSET",
    else: "INVALID_REQUEST", // a lease on a toolset of another tenant is none
  },
  "an agent of the tenant": { unregister: "NOT_OWNER", else: "FORBIDDEN" },
  "another provider of the tenant": {
    register: "NOT_OWNER",
    replace: "NOT_OWNER",
    unregister: "NOT_OWNER",
    else: "LEASE_LOST", // it has no token
  },
};

describe.each(Object.keys(REASONS))("%s", (stranger) => {
  const isForeign = stranger.includes("another tenant");
  const knowsToken = stranger !== "another provider of the tenant";

  test.each(Object.entries(ATTEMPTS))("cannot %s", async (name, attempt) => {
    const caller = strangers[stranger] ?? owner;
    const toolset = isForeign ? "acme/files" : "files";
    const leaseToken = knowsToken ? lease.leaseToken : "A".repeat(32);
    const { reason } = await attempt(caller, {
      name: toolset,
      lease: { ...lease, toolset, leaseToken: leaseToken ?? "" },
    });
    expect(reason).toBe(REASONS[stranger]?.[name] ?? REASONS[stranger]?.else);
  });

  test("cannot read what the toolset's calls put out, nor promote", async () => {
    const { gateway, registry } = strangers[stranger] ?? owner;
    expect((await endOf(gateway.followCall({ callId }))).error?.reason).toBe("UNKNOWN_CALL");
    const promoted = await refusal((cb) =>
      registry.promote({ name: isForeign ? "acme/files" : "files", epoch: lease.epoch ?? 0 }, cb),
    );
    expect(promoted.reason).toBe(isForeign ? "UNKNOWN_TOOLSET" : "NOT_OWNER");
  });
});

test("with a token of another tenant's toolset of the same name, a provider has no lease of its own tenant's", async () => {
  const { registry } = strangers["a provider of another tenant"] ?? owner;
  expect((await refusal((cb) => registry.renew({ lease, maxInFlight: 1, inHand: [] }, cb))).reason).toBe("LEASE_LOST");
});

test("the toolset, its session and its call are what they were; its owner answers, and an administrator takes it over", async () => {
  expect(stream.over).toBe(false);
  expect(stream.all(({ goAway }) => (goAway ? [goAway] : []))).toEqual([]);
  expect(await agent.getCall(callId)).toMatchObject({ state: "claimed" });
  stream.send({ results: [{ callId, attempt: 1, resultJson: json("own") }] });
  await until("it has its owner's result", async () => (await agent.getCall(callId)).terminal !== undefined);
  expect(JSON.stringify((await agent.getCall(callId)).terminal)).toContain("own");
  const administrator = await callerOf("acme", "root", "admin");
  const takenOver = await ask<RegisterResponse__Output>((cb) =>
    administrator.registry.register({ contract: CONTRACT, providerId: "p2", incarnation: randomUUID() }, cb),
  );
  expect(takenOver.epoch).toBe(lease.epoch);
  const again = { contract: CONTRACT, providerId: "p3", incarnation: randomUUID() };
  expect((await refusal((cb) => owner.registry.register(again, cb))).reason).toBe("NOT_OWNER");
});
