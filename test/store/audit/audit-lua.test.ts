import { describe, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { type AuditRecord, auditWho, parseAuditRecord } from "../../../src/store/audit/audit-record.js";
import { FIRST, readAudit, readAuditState } from "../../../src/store/audit/read-audit.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { admissionOf, admit, callsForFile, claimOf, complete, take } from "../calls/calls-fixture.js";
import { keys } from "../registry/registry-fixture.js";

/** Calls and their ends are recorded by the scripts that admit and end them. */

expectNoLeaks();
const here = callsForFile();

const AUDIT = { who: auditWho("key", "key/k1", 7, "role/agent#/rules/0"), argumentsDigest: "k.digest" };

async function records(): Promise<AuditRecord[]> {
  const { client } = here();
  const found: AuditRecord[] = [];
  for (const { day } of (await readAuditState(client, keys)).days) {
    for (const { kind, text } of await readAudit(client, keys, day, FIRST, "+", 1_000)) {
      if (kind !== "records") continue;
      for (const line of text.split("\n")) found.push(parseAuditRecord(line) as AuditRecord); // checked below
    }
  }
  return found;
}

test("a call that is admitted and its end are recorded, by whom and how", async () => {
  const { client, store, provider } = here();
  const admission = admissionOf(provider, { audit: AUDIT, payload: Buffer.from('{"secret":"canary"}') });
  await admit(store, admission);
  const [call] = await take(store, provider.lease);
  const body = Buffer.from('"canary"');
  expect(
    call && (await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body }])),
  ).toEqual(["accepted"]);
  const [admitted, ended] = await records();
  const both = {
    tenant: "default",
    principal: { tenant: "default", id: "anonymous" },
    toolset: "math",
    tool: "sum",
    callId: admission.id,
  };
  expect(admitted).toMatchObject({
    ...{
      ...both,
      event: "call",
      kind: "key",
      credential: "key/k1",
      verb: "call",
      outcome: "allowed",
      executed: undefined,
    },
    ...{
      argumentsDigest: "k.digest",
      contractDigest: "d".repeat(64),
      policyRevision: 7,
      rule: "role/agent#/rules/0",
      nodeId: "node-a",
    },
  });
  expect(ended).toMatchObject({
    ...both,
    event: "end",
    outcome: "result",
    reason: "",
    executed: "yes",
    contractDigest: "d".repeat(64),
  });
  for (const text of await client.xrange(keys.auditDay(Math.floor(Date.now() / 86_400_000)), "-", "+"))
    expect(JSON.stringify(text)).not.toContain("canary");
  await expectKeysToExpire(client);
});

test("nothing is recorded of calls that are not audited, beside those that are", async () => {
  const { store, provider } = here();
  const [audited, other] = [admissionOf(provider, { audit: AUDIT }), admissionOf(provider)];
  await Promise.all([admit(store, other), admit(store, audited)]);
  await cancelCall(store, other.id);
  await cancelCall(store, audited.id);
  expect((await records()).map(({ event, callId }) => [event, callId])).toEqual([
    ["call", audited.id],
    ["end", audited.id],
  ]);
});

test("a repeat of a call is the same call", async () => {
  const { store, provider } = here();
  const admission = admissionOf(provider, { audit: AUDIT });
  await admit(store, admission);
  expect((await admit(store, admission)).kind).toBe("repeated");
  expect((await records()).map(({ event }) => event)).toEqual(["call"]);
});

describe("the end of a call says", () => {
  test("what a tool's error was called only where it is a word of ours", async () => {
    const { store, provider } = here();
    await admit(store, admissionOf(provider, { audit: AUDIT }));
    await admit(store, admissionOf(provider, { audit: AUDIT }));
    const ends = (await take(store, provider.lease)).map((call, index) => ({
      ...claimOf(provider.lease, call),
      kind: "tool_error" as const,
      reason: index === 0 ? "INVALID_RESULT" : "SECRET_CANARY",
      body: Buffer.from("{}"),
    }));
    await complete(store, ends);
    const ended = (await records()).filter(({ event }) => event === "end");
    expect(ended.map(({ outcome, reason, executed }) => [outcome, reason, executed])).toEqual([
      ["tool_error", "INVALID_RESULT", "yes"],
      ["tool_error", "TOOL_ERROR", "yes"],
    ]);
  });

  test("that it did not run, where its deadline passed before", async () => {
    const { store, provider } = here();
    await admit(store, admissionOf(provider, { audit: AUDIT, timeoutMs: 1 }));
    await until("it is settled", async () => (await settleCalls(store, keys)).ended === 1);
    expect((await records())[1]).toMatchObject({
      outcome: "not_executed",
      reason: "DEADLINE_EXCEEDED",
      executed: "no",
    });
  });

  test("that it is unknown, where its record was lost", async () => {
    const { client, store, provider } = here();
    const admission = admissionOf(provider, { audit: AUDIT });
    await admit(store, admission);
    const [call] = await take(store, provider.lease);
    await client.del(keys.call(admission.id));
    if (call) await new LostCalls(store, SILENT_LOGGER).end(call);
    expect((await records())[1]).toMatchObject({
      callId: admission.id,
      outcome: "outcome_unknown",
      reason: "STATE_LOST",
      executed: "unknown",
    });
  });
});

test("what stands in the place of the audit is set aside", async () => {
  const { client, store, provider } = here();
  await admit(store, admissionOf(provider, { audit: AUDIT }));
  const [day] = (await readAuditState(client, keys)).days;
  await client.set(keys.auditDay(day?.day ?? 0), "x");
  await client.set(keys.audit, "x");
  await admit(store, admissionOf(provider, { audit: AUDIT }));
  expect((await records()).map(({ event }) => event)).toEqual(["call"]);
  expect(await client.get(keys.damaged(`audit:${day?.day}`))).toBe("x");
});
