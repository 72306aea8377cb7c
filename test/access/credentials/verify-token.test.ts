import { createHmac, createPublicKey } from "node:crypto";
import { SignJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import type { Identity } from "../../../src/access/access-control.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { TestAuthentication } from "./authentication-fixture.js";
import { AUDIENCE, ISSUER_URL, type IssuerKey, makeIssuerKey, putIssuer, signToken } from "./issuer-fixture.js";

const REFUSED = {
  reason: "UNAUTHENTICATED",
  message: "The request's credential does not hold: it is wrong, expired or revoked.",
};
const CONFIGURATION = `${ISSUER_URL}/.well-known/openid-configuration`;
const JWKS = `${ISSUER_URL}/keys`;

let key: IssuerKey;
let other: IssuerKey;
beforeAll(async () => {
  key = await makeIssuerKey("k1");
  other = await makeIssuerKey("k2");
});

/** A node that believes one issuer, whose keys can be had. */
function set(more: Readonly<Record<string, unknown>> = {}) {
  const node = new TestAuthentication();
  node.nowMs = 1_700_000_000_000;
  const keys = [key];
  const issuer = { keys, away: false };
  node.answer = (url) => {
    if (issuer.away) throw new Error("away");
    if (url === CONFIGURATION) return { issuer: ISSUER_URL, jwks_uri: JWKS };
    if (url === JWKS) return { keys: issuer.keys.map(({ jwk }) => jwk) };
    throw new Error("a foreign URL");
  };
  putIssuer(node.documents, more);
  const jwksFetches = () => node.fetched.filter((url) => url === JWKS).length;
  return { node, issuer, jwksFetches };
}

const enter = async (node: TestAuthentication, token: string): Promise<Identity> => await node.bearer(token);
const refused = (node: TestAuthentication, token: string) =>
  expect(enter(node, token), token.slice(0, 60)).rejects.toMatchObject(REFUSED);

test("a token stands for a principal of its issuer's, and is verified once", async () => {
  const { node } = set();
  const token = await signToken(key, node.nowMs, { claims: { groups: ["staff", "unknown"] } });
  const identity = await enter(node, token);
  expect(identity).toEqual({
    principal: {
      ...{ tenant: "default", id: "idp:ann", kind: "token", roles: ["agent"] },
      attributes: { issuer: ISSUER_URL },
    },
    credential: `token/${ISSUER_URL}#one`,
    expiresAtMs: node.nowMs + 300_000 + 10_000,
  });
  expect(node.fetched).toEqual([CONFIGURATION, JWKS]);
  // Not even a promise any more.
  expect(node.bearer(token)).toBe(identity);
});

test("what a token is remembered by is no credential", async () => {
  const { node } = set();
  const token = await signToken(key, node.nowMs, { without: ["jti"] });
  const { credential } = await enter(node, token);
  // The audit names the token by its digest.
  const digest = credential.slice(credential.indexOf("#") + 1);
  for (const header of [digest, `Bearer ${digest}`]) {
    expect(() => node.with(header), header).toThrowError(expect.objectContaining(REFUSED));
  }
});

test("25 and more hostile tokens are refused alike, and no foreign URL is asked", async () => {
  const { node } = set({ algorithms: ["ES256", "RS256"] });
  const { nowMs } = node;
  const rsa = await makeIssuerKey("k1", "RS256");
  const nowS = Math.floor(nowMs / 1_000);
  const [head = "", body = "", signature = ""] = (await signToken(key, nowMs)).split(".");
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object; // as it was made
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const hmac = (secret: string): string => {
    const signed = `${part({ alg: "HS256", typ: "at+jwt", kid: "k1" })}.${body}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  };
  const evil = "https://evil.example/keys";
  const tokens: Record<string, string> = {
    none: `${part({ alg: "none", typ: "at+jwt" })}.${body}.`,
    "None in another case": `${part({ alg: "nOnE", typ: "at+jwt" })}.${body}.x`,
    "HS256 with the public key": hmac(publicPem),
    "HS256 with the key set": hmac(JSON.stringify(key.jwk)),
    "an algorithm that is not allowed": await signToken(await makeIssuerKey("k1", "ES384"), nowMs),
    "another key under the same kid": await signToken({ ...other, kid: "k1" }, nowMs),
    "another key's type": await signToken(rsa, nowMs),
    "a wrong audience": await signToken(key, nowMs, { claims: { aud: "other" } }),
    "an audience that begins alike": await signToken(key, nowMs, { claims: { aud: `${AUDIENCE}.evil` } }),
    "an audience in another case": await signToken(key, nowMs, { claims: { aud: AUDIENCE.toUpperCase() } }),
    "no audience": await signToken(key, nowMs, { without: ["aud"] }),
    "an empty audience": await signToken(key, nowMs, { claims: { aud: [] } }),
    "a wrong issuer": await signToken(key, nowMs, { claims: { iss: "https://evil.example" } }),
    "an issuer with a slash": await signToken(key, nowMs, { claims: { iss: `${ISSUER_URL}/` } }),
    "no issuer": await signToken(key, nowMs, { without: ["iss"] }),
    "a wrong type": await signToken(key, nowMs, { header: { typ: "logout+jwt" } }),
    expired: await signToken(key, nowMs, { claims: { exp: nowS - 11 } }),
    "without an end": await signToken(key, nowMs, { without: ["exp"] }),
    "not yet": await signToken(key, nowMs, { claims: { nbf: nowS + 11 } }),
    "a critical extension": await signToken(key, nowMs, { header: { crit: ["exp"], exp: 1 } }).catch(
      () => `${part({ alg: "ES256", kid: "k1", crit: ["x"], x: 1 })}.${body}.${signature}`,
    ),
    "an embedded key": await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", jwk: other.jwk })
      .sign(other.privateKey),
    "keys elsewhere": await signToken(other, nowMs, { header: { jku: evil } }),
    "a certificate elsewhere": await signToken(other, nowMs, { header: { x5u: evil } }),
    "a kid that is a path": await signToken({ ...other, kid: "../../../dev/null" }, nowMs),
    "a kid that is a query": await signToken({ ...other, kid: "k1' OR '1'='1" }, nowMs),
    "no principal": await signToken(key, nowMs, { without: ["sub"] }),
    "a principal that is empty": await signToken(key, nowMs, { claims: { sub: "" } }),
    "a principal with a line feed": await signToken(key, nowMs, { claims: { sub: "ann\nadmin" } }),
    "its signature cut": `${head}.${body}.${signature.slice(0, -4)}`,
    "its signature left out": `${head}.${body}.`,
    "its claims changed": `${head}.${part({ ...claims, sub: "root" })}.${signature}`,
    "another token's head": `${part({ alg: "ES256", kid: "k1", typ: "JWT" })}.${body}.${signature}`,
    "a header of a megabyte": await signToken(key, nowMs, { header: { x: "x".repeat(1_000_000) } }),
    "no JSON": "a.b.c",
    "five parts": `${head}.${body}.${signature}.x.y`,
    "encrypted to us": `${part({ alg: "RSA-OAEP", enc: "A256GCM" })}.${body}.${signature}`,
  };
  expect(Object.keys(tokens).length).toBeGreaterThan(25);
  for (const [name, token] of Object.entries(tokens)) {
    await expect((async () => node.bearer(token))(), name).rejects.toMatchObject(REFUSED);
  }
  expect(new Set(node.fetched)).toEqual(new Set([CONFIGURATION, JWKS]));
  // The one that all of these were made from.
  await enter(node, `${head}.${body}.${signature}`);
});

test("10,000 tokens with keys at random cause two fetches at most", async () => {
  const { node, jwksFetches } = set();
  await enter(node, await signToken(key, node.nowMs));
  const [head = "", body = "", signature = ""] = (await signToken(other, node.nowMs)).split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString()) as object; // as it was made
  for (let n = 0; n < 100; n++) {
    const round = Array.from({ length: 100 }, (_, m) => {
      const forged = Buffer.from(JSON.stringify({ ...header, kid: `random-${n}-${m}` })).toString("base64url");
      return refused(node, `${forged}.${body}.${signature}`);
    });
    await Promise.all(round);
  }
  expect(jwksFetches()).toBeLessThanOrEqual(2);
});

test("keys that are known go on while the issuer is away; new ones are had when it is back", async () => {
  const { node, issuer } = set();
  await enter(node, await signToken(key, node.nowMs));
  issuer.away = true;
  node.nowMs += 3_600_000;
  await enter(node, await signToken(key, node.nowMs, { claims: { jti: "two" } }));
  issuer.keys = [other];
  await refused(node, await signToken(other, node.nowMs));
  issuer.away = false;
  node.nowMs += 30_000;
  await enter(node, await signToken(other, node.nowMs));
  // The former key is gone from the issuer, and so from here.
  await refused(node, await signToken(key, node.nowMs, { claims: { jti: "three" } }));
});

test("an issuer that was away from the start is asked again soon", async () => {
  const { node, issuer } = set();
  issuer.away = true;
  const token = await signToken(key, node.nowMs);
  await refused(node, token);
  issuer.away = false;
  await refused(node, token);
  node.nowMs += 5_000;
  await enter(node, token);
});

test("a configuration that names another issuer, and keys that are secret, are not believed", async () => {
  const token = await signToken(key, 1_700_000_000_000);
  for (const answer of [
    (url: string) =>
      url === CONFIGURATION ? { issuer: "https://other.example", jwks_uri: JWKS } : { keys: [key.jwk] },
    (url: string) => (url === CONFIGURATION ? { issuer: ISSUER_URL, jwks_uri: 7 } : { keys: [key.jwk] }),
    (url: string) => (url === CONFIGURATION ? { issuer: ISSUER_URL, jwks_uri: JWKS } : { keys: "none" }),
    (url: string) => (url === CONFIGURATION ? [] : { keys: [key.jwk] }),
    (url: string) =>
      url === CONFIGURATION ? { issuer: ISSUER_URL, jwks_uri: JWKS } : { keys: [{ kty: "oct", k: "AAAA", kid: "k1" }] },
  ]) {
    const { node } = set();
    node.answer = answer;
    await refused(node, token);
  }
});

test("claims give roles by the mapping, and never more", async () => {
  const { node } = set({ defaultRoles: ["reader"] });
  const rolesWith = async (groups: unknown, n: number) =>
    (await enter(node, await signToken(key, node.nowMs, { claims: { groups, jti: `j${n}` } }))).principal.roles;
  const shapes: [unknown, readonly string[]][] = [
    [["staff"], ["reader", "agent"]],
    ["staff other", ["reader", "agent"]],
    [
      ["admins", "staff"],
      ["reader", "admin", "agent"],
    ],
    [undefined, ["reader"]],
    [null, ["reader"]],
    [[], ["reader"]],
    ["", ["reader"]],
    [["Staff", "staff ", "*", "__proto__", "constructor"], ["reader"]],
    [["staff", 7], ["reader"]],
    [[["staff"]], ["reader"]],
    [{ staff: true }, ["reader"]],
    [true, ["reader"]],
    [7, ["reader"]],
  ];
  for (const [n, [shape, roles]] of shapes.entries()) expect(await rolesWith(shape, n), `${n}`).toEqual(roles);
});

test("a claim may be deep, and a tenant by a claim must be one", async () => {
  const { node } = set({ claims: { id: "email", tenant: "org", roles: "/realm/roles" } });
  const of = (claims: Record<string, unknown>) =>
    signToken(key, node.nowMs, { claims: { email: "ann@x.example", realm: { roles: ["staff"] }, ...claims } });
  expect((await enter(node, await of({ org: "acme" }))).principal).toMatchObject({
    ...{ tenant: "acme", id: "idp:ann@x.example", roles: ["agent"] },
  });
  node.missingTenants.add("gone");
  for (const org of [undefined, null, "", [], ["acme"], "../acme", "Acme", "gone"])
    await refused(node, await of({ org }));
});

test("what becomes of an issuer's document holds at once for tokens that are known", async () => {
  const changes: [string, (node: TestAuthentication) => void][] = [
    ["gone", ({ documents }) => documents.put("issuer", "idp", undefined)],
    ["another audience", ({ documents }) => putIssuer(documents, { audiences: ["other"] })],
    ["another algorithm", ({ documents }) => putIssuer(documents, { algorithms: ["RS256"] })],
    ["another type", ({ documents }) => putIssuer(documents, { types: ["JWT"] })],
    ["other keys", ({ documents }) => putIssuer(documents, { jwksUri: `${ISSUER_URL}/others` })],
    [
      "the token revoked",
      ({ documents }) => documents.put("revocation", "r", { credential: `token/${ISSUER_URL}#one` }),
    ],
    ["the subject revoked", ({ documents }) => documents.put("revocation", "r", { credential: "subject/idp:ann" })],
    ["expired", (node) => (node.nowMs += 310_000)],
  ];
  for (const [name, change] of changes) {
    const { node } = set();
    const token = await signToken(key, node.nowMs);
    const identity = await enter(node, token);
    change(node);
    expect(node.authentication.holds(identity), name).toBe(false);
    await expect((async () => node.bearer(token))(), name).rejects.toMatchObject(REFUSED);
  }
  const { node } = set();
  const identity = await enter(node, await signToken(key, node.nowMs, { claims: { groups: ["staff"] } }));
  putIssuer(node.documents, { roles: { staff: ["auditor"] } });
  expect(node.authentication.current(identity)?.principal.roles).toEqual(["auditor"]);
});

test("a token that two issuers' documents take stands for nobody", async () => {
  const { node } = set();
  const token = await signToken(key, node.nowMs);
  const identity = await enter(node, token);
  const twin = { issuer: ISSUER_URL, audiences: [AUDIENCE], algorithms: ["ES256"], defaultRoles: ["agent"] };
  node.documents.put("issuer", "twin", twin, "acme" as TenantName);
  // One that is known already stays with the issuer that it was verified for.
  expect(node.authentication.current(identity)?.principal.tenant).toBe("default");
  await refused(node, await signToken(key, node.nowMs, { claims: { jti: "two" } }));
  node.documents.put("issuer", "twin", { ...twin, audiences: ["acme-tools"] }, "acme" as TenantName);
  const theirs = await signToken(key, node.nowMs, { claims: { aud: "acme-tools" } });
  expect((await enter(node, theirs)).principal).toMatchObject({ tenant: "acme", id: "twin:ann", roles: ["agent"] });
});

test("no token, and no part of one, gets into a line or an error", async () => {
  const { node, issuer } = set();
  const token = await signToken(other, node.nowMs, { claims: { sub: "canary-of-ann" } });
  issuer.away = true;
  const error = await enter(node, token).catch((refusal: unknown) => refusal);
  const said =
    node.lines.join("") +
    JSON.stringify(node.faults.map(({ error: cause }) => String(cause))) +
    String((error as Error).stack);
  expect(node.lines.length).toBeGreaterThan(0);
  for (const canary of [...token.split("."), "canary-of-ann"]) expect(said).not.toContain(canary);
});
