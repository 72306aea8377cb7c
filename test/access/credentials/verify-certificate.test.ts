import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Identity } from "../../../src/access/access-control.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { putKey, TestAuthentication } from "./authentication-fixture.js";

const REFUSED = expect.objectContaining({ reason: "UNAUTHENTICATED" });

let folder: string;
let ci: Buffer;
let tricky: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toolgate-certificates-"));
  ci = make("/O=acme/CN=ci", "URI:spiffe://acme.example/ns/prod/ci,DNS:ci.acme.example");
  // A name that looks like two where it is split at commas.
  tricky = make("/CN=x", "otherName:1.2.3.4;UTF8:a,DNS:evil.example");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A certificate, in DER; the handshake has verified it by the time that it is seen. */
function make(subject: string, alternatives: string): Buffer {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
      ...["-keyout", key, "-out", certificate, "-subj", subject, "-addext", `subjectAltName=${alternatives}`],
    ],
    { stdio: "ignore" },
  );
  return new X509Certificate(readFileSync(certificate)).raw;
}

/** A node at the time of the certificates, and what it says of one by these documents. */
function set(documents: Readonly<Record<string, unknown>>) {
  const node = new TestAuthentication();
  node.nowMs = Date.now();
  for (const [name, body] of Object.entries(documents)) node.documents.put("certificate", name, body);
  const enter = (der: Buffer): Identity => node.with(undefined, der) as Identity; // certificates are verified at once
  return { node, enter };
}

test("a certificate's fingerprint is no credential", () => {
  const { node, enter } = set({ rule: { match: { dns: "ci.acme.example" }, roles: ["admin"] } });
  const fingerprint = enter(ci).credential.slice("certificate/".length);
  for (const header of [fingerprint, `Bearer ${fingerprint}`]) expect(() => node.with(header)).toThrowError(REFUSED);
});

test("a comma within a subject's value separates nothing", () => {
  const { enter } = set({
    rule: { match: { subject: "CN=*,O=acme" }, roles: ["agent"] },
    literal: { match: { subject: "CN=a\\,b" }, id: "literal", roles: ["agent"] },
  });
  expect(enter(make("/CN=ci/O=acme", "DNS:a.example"))).toMatchObject({ principal: { id: "CN=ci,O=acme" } });
  expect(() => enter(make("/CN=ci,O=acme", "DNS:a.example"))).toThrowError(REFUSED);
  expect(enter(make("/CN=a,b", "DNS:a.example"))).toMatchObject({ principal: { id: "literal" } });
});

test("a certificate stands for a principal by its names", () => {
  const fingerprint = new X509Certificate(ci).fingerprint256.replaceAll(":", "").toLowerCase();
  const cases: [object, string][] = [
    [{ match: { uri: "spiffe://acme.example/ns/*/ci" } }, "spiffe://acme.example/ns/prod/ci"],
    [{ match: { uri: "spiffe://acme.example/ns/*/ci" }, id: "ci" }, "ci"],
    [{ match: { dns: "*.acme.example" }, id: "host:{dns}" }, "host:ci.acme.example"],
    [{ match: { subject: "O=acme,CN=*" } }, "O=acme,CN=ci"],
  ];
  for (const [rule, id] of cases) {
    const { enter } = set({ rule: { ...rule, roles: ["agent"] } });
    const identity = enter(ci);
    expect(identity).toMatchObject({
      principal: { tenant: "default", id, kind: "certificate", roles: ["agent"] },
      credential: `certificate/${fingerprint}`,
      expiresAtMs: Date.parse(new X509Certificate(ci).validTo),
    });
    expect(enter(ci)).toBe(identity);
  }
});

test("a pattern's star crosses no part of a name, and case counts", () => {
  for (const match of [
    { uri: "spiffe://acme.example/*" },
    { uri: "spiffe://*/ci" },
    { uri: "*" },
    { uri: "spiffe://acme.example/ns/prod/CI" },
    { dns: "*.example" },
    { dns: "*" },
    { subject: "CN=*" },
    { subject: "*" },
    { dns: "spiffe://acme.example/ns/*/ci" },
  ]) {
    const { enter } = set({ rule: { match, roles: ["agent"] } });
    expect(() => enter(ci), JSON.stringify(match)).toThrow(REFUSED);
  }
});

test("what stands in another kind of name is no name", () => {
  const { enter } = set({ rule: { match: { uri: "*" }, roles: [] }, other: { match: { dns: "a" }, roles: [] } });
  expect(() => enter(tricky)).toThrow(REFUSED);
  const { enter: enterBy } = set({ rule: { match: { dns: "evil.example" }, roles: [] } });
  expect(enterBy(tricky).principal.id).toBe("evil.example");
});

test("rules for one principal add up, and rules for two give none", () => {
  const uri = "spiffe://acme.example/ns/prod/ci";
  const { node, enter } = set({
    one: { match: { uri }, id: "ci", roles: ["agent"] },
    two: { match: { dns: "ci.acme.example" }, id: "ci", roles: ["provider", "agent"] },
  });
  const identity = enter(ci);
  expect(identity.principal.roles).toEqual(["agent", "provider"]);
  node.documents.put("certificate", "three", { match: { uri }, id: "root", roles: ["admin"] }, "acme" as TenantName);
  expect(node.authentication.holds(identity)).toBe(false);
  expect(() => enter(ci)).toThrow(REFUSED);
});

test("one that is not yet or no more valid, revoked, or no certificate is refused", () => {
  const rule = { match: { dns: "ci.acme.example" }, id: "ci", roles: [] };
  for (const passMs of [-3_600_000, 2 * 86_400_000]) {
    const { node, enter } = set({ rule });
    node.nowMs += passMs;
    expect(() => enter(ci)).toThrow(REFUSED);
  }
  const { node, enter } = set({ rule });
  const identity = enter(ci);
  node.documents.put("revocation", "r", { credential: identity.credential });
  expect(node.authentication.holds(identity)).toBe(false);
  expect(() => enter(ci)).toThrow(REFUSED);
  for (const der of [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(100_000), ci.subarray(0, 100)]) {
    expect(() => enter(der)).toThrow(REFUSED);
  }
});

test("where there is a header it decides, and must hold", () => {
  const { node } = set({ rule: { match: { dns: "ci.acme.example" }, id: "ci", roles: [] } });
  const { text } = putKey(node.documents, "by-key");
  expect(node.with(`Bearer ${text}`, ci)).toMatchObject({ principal: { id: "by-key" } });
  expect(() => node.with(`Bearer ${text}x`, ci)).toThrow(REFUSED);
  expect(() => node.with("", ci)).toThrow(REFUSED);
});
