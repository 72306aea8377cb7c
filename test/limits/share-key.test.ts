import { expect, test } from "vitest";
import { ANONYMOUS, type Principal } from "../../src/identity/principal.js";
import { parseTenantName } from "../../src/identity/tenant.js";
import { hostOfShareKey, shareKey } from "../../src/limits/share-key.js";

const named = (tenant: string, id: string): Principal => ({
  ...ANONYMOUS,
  tenant: parseTenantName(tenant, "tenant"),
  id,
  kind: "key",
});

test("callers that all are the same principal have a share for each connection, and a host", () => {
  expect(shareKey(ANONYMOUS, "10.0.0.1:4711")).toBe("10.0.0.1:4711");
  expect(hostOfShareKey(shareKey(ANONYMOUS, "10.0.0.1:4711"))).toBe("10.0.0.1");
});

test("a principal has one share through all of its connections, of its tenant alone", () => {
  const agent = named("acme", "agent");
  expect(shareKey(agent, "10.0.0.1:4711")).toBe(shareKey(agent, "10.0.0.2:99"));
  expect(shareKey(agent, "10.0.0.1:4711")).not.toBe(shareKey(named("beta", "agent"), "10.0.0.1:4711"));
});

test("a principal is its own host, whatever its id has: one with a colon is not taken for an address", () => {
  const shares = ["spiffe://acme/agent:1", "spiffe://acme/agent:2", "10.0.0.1:4711"].map((id) =>
    shareKey(named("acme", id), "10.0.0.1:4711"),
  );
  expect(new Set(shares.map(hostOfShareKey)).size).toBe(3);
});
