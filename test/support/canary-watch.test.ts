import { randomBytes } from "node:crypto";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import { methodAt } from "../cluster/every-rpc.js";
import { CanaryWatch, PASSWORD_MARK, secretsIn } from "./canary-watch.js";
import { redisForFile } from "./redis.js";
import { noteSentValues, sentValues } from "./sent-values.js";

/** What watches over all other tests finds what it is there for. */

const redis = redisForFile();
// The fixture looks too, and must find nothing of this.
afterEach(() => redis().client().flushall());

const token = makeSecretToken("key", randomBytes).text;
const jwt = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from('{"sub":"ann"}').toString("base64url")}.c2ln`;
const SENT = {
  secrets: new Set(["a lease's token"]),
  spoken: new Set(['{"path":"/home/ann"}', '{"a":1,"b":2}', "listening", "a text of a payload"]),
};
const watchOf = (): CanaryWatch => new CanaryWatch(() => SENT);

test("a secret is known by its form", () => {
  for (const text of [token, `Bearer ${token}"`, jwt, `${PASSWORD_MARK} of ann`])
    expect(secretsIn(text)).toHaveLength(1);
  expect(secretsIn(`${token} ${jwt}`)).toHaveLength(2);
});

test("what only looks like one is none, and no finding repeats a secret", () => {
  const misspelt = `${token.slice(0, -1)}${token.endsWith("a") ? "b" : "a"}`;
  const notJwt = `${Buffer.from('{"type":"x"}').toString("base64url")}.aaaaaaaaaaaa.bbbb`;
  for (const text of ["tg_key_abcdefghijkl", misspelt, notJwt, "eyJhbGciOiJ.x.y", "password"])
    expect(secretsIn(text)).toEqual([]);
  expect(secretsIn(token).join()).not.toContain(token.split("_")[3]);
});

describe("in a log", () => {
  test.each([
    ["a token", `{"event":"x","message":"${token}"}`],
    ["a secret that was sent", `{"event":"x","message":"a lease's token"}`],
    ["a payload as it is", `{"event":"x","sent":{"path":"/home/ann"}}`],
    ["a payload in a text", JSON.stringify({ event: "x", message: 'got {"path":"/home/ann"}' })],
    ["a short one", `{"event":"x","sent":{"a":1,"b":2}}`],
    ["a part of one", `{"event":"x","message":"a text of a payload is no number"}`],
  ])("%s is found", (_, line) => {
    const watch = watchOf();
    watch.log("a node", { spoken: true })('{"event":"listening"}');
    expect(watch.findings()).toEqual([]);
    watch.log("a node", { spoken: true })(line);
    expect(watch.findings()).toMatchObject([{ place: "a node" }]);
  });
});

describe("in Redis", () => {
  const put: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
    key: (text) => redis().client().set(`a:${text}:b`, "1"),
    string: (text) => redis().client().set("it", text),
    "hash's field": (text) => redis().client().hset("it", text, "1"),
    "hash's value": (text) => redis().client().hset("it", "field", `x ${text} y`),
    set: (text) => redis().client().sadd("it", text),
    "sorted set": (text) => redis().client().zadd("it", 1, text),
    list: (text) => redis().client().rpush("it", "x", text),
    stream: (text) => redis().client().xadd("it", "*", "field", text),
  };
  test.each(Object.keys(put))(
    "each secret is found in a %s, among many keys, and what was said is none",
    async (kind) => {
      const client = redis().client();
      await Promise.all(Array.from({ length: 1_200 }, (_, nth) => client.set(`k${nth}`, "x")));
      const found = async (text: string) => {
        await put[kind]?.(text);
        const watch = watchOf();
        await watch.redis("Redis", client);
        await client.del("it", `a:${text}:b`);
        return watch.findings().length;
      };
      for (const text of [token, jwt, PASSWORD_MARK, "a lease's token"]) expect(await found(text)).toBe(1);
      for (const text of ['{"path":"/home/ann"}', "a text of a payload"]) expect(await found(text)).toBe(0);
    },
  );

  test("one that is away is passed over", async () => {
    const client = redis().client({ port: 1, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    const watch = watchOf();
    await watch.redis("Redis", client);
    expect(watch.findings()).toEqual([]);
  });
});

test("what a client sends is known: passwords, credentials, lease tokens, payloads and each text in them", async () => {
  noteSentValues();
  const client = new Client("127.0.0.1:1", credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const send = (path: string, request: object): Promise<void> =>
    new Promise((resolve) => {
      const { path: to, requestSerialize, responseDeserialize } = methodAt(path);
      client.makeUnaryRequest(to, requestSerialize, responseDeserialize, request, metadata, () => resolve());
    });
  await send("toolgate.v1.Access/Login", { user: "ann", password: "quite a long password" });
  await send("toolgate.v1.Registry/Pong", { lease: { toolset: "files", leaseToken: "a token of a lease" } });
  const payloadJson = Buffer.from('{"path":"/home/of/somebody"}');
  await send("toolgate.v1.Gateway/Invoke", { call: { toolset: "files", tool: "read", payloadJson } });
  client.close();
  const { secrets, spoken } = sentValues();
  expect([...secrets]).toEqual(expect.arrayContaining([token, "quite a long password", "a token of a lease"]));
  expect([...spoken]).toEqual(["/home/of/somebody", '{"path":"/home/of/somebody"}']);
});
