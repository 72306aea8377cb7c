import { afterEach, expect, test } from "vitest";
import { OPEN_ACCESS } from "../../../src/access/open-access.js";
import { TimeSlice } from "../../../src/async/time-slice.js";
import { type AuditServiceParts, auditMethods } from "../../../src/front/services/audit-service.js";
import type { CallContext } from "../../../src/front/services/call-context.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { expectNoLeaks } from "../../support/leaks.js";

expectNoLeaks();

let leaving = new AbortController();
afterEach(() => {
  leaving.abort();
  leaving = new AbortController();
});

/** Tails of an audit without shards, in which nothing ever comes. */
function openTails() {
  const slice = new TimeSlice(() => performance.now());
  const parts = { shards: [], slice, nowMs: () => 0 } as unknown as AuditServiceParts; // tails without shards ask Redis nothing
  const { TailAudit } = auditMethods(parts);
  if (TailAudit.kind !== "serverStream") throw new Error("a tail is a stream");
  const { handler } = TailAudit;
  return (tenant: string, id = "auditor") => {
    const principal = { tenant: tenant as TenantName, id, kind: "key", roles: [], attributes: {} } as const;
    const context = { principal, access: { ...OPEN_ACCESS, principal }, signal: leaving.signal, recheckBy() {} };
    const stream = handler({ filter: null } as never, context as unknown as CallContext); // all that it looks at
    const tail = { tenant, id, ended: "" };
    stream[Symbol.asyncIterator]()
      .next()
      .catch((error: { reason?: string }) => {
        tail.ended = error.reason ?? String(error);
      });
    return tail;
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const refused = (tails: readonly { ended: string }[]) => tails.filter(({ ended }) => ended === "LIMIT_EXCEEDED");

test("one tenant does not take all tails of a node, and two that did make room for a third", async () => {
  const open = openTails();
  const acmes = Array.from({ length: 20 }, () => open("acme"));
  await settled();
  expect(refused(acmes)).toHaveLength(4);
  const betas = Array.from({ length: 16 }, () => open("beta"));
  await settled();
  expect(refused(betas)).toHaveLength(0);
  const gammas = [open("gamma"), open("gamma")];
  await settled();
  expect(refused(gammas)).toHaveLength(0);
  expect(refused([...acmes, ...betas])).toHaveLength(4 + 2);
});

test("within a tenant a principal that has one tail does not lose it to one that has many", async () => {
  const open = openTails();
  const one = open("acme", "one");
  const many = Array.from({ length: 15 }, () => open("acme", "many"));
  const other = open("acme", "other");
  await settled();
  expect(refused([one, other])).toHaveLength(0);
  expect(refused(many)).toHaveLength(1);
});
