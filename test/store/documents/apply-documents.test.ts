import { expect, test } from "vitest";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import {
  MAX_DOCUMENTS,
  MAX_TENANT_BYTES,
  MAX_TENANT_HISTORY_BYTES,
} from "../../../src/store/documents/apply-documents.js";
import { documentPath } from "../../../src/store/documents/document-ref.js";
import { listRevisions, readDocument, readRevision } from "../../../src/store/documents/read-documents.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { ACME, apply, documentsForFile, keyspace, refOf } from "./documents-fixture.js";

expectNoLeaks();
const here = documentsForFile();
const { documents, changes, history } = keyspace.documents;
const ROLE = refOf("role/reader");

const revisionsOf = async (ref = ROLE) => (await listRevisions(here().store, ref)).map(({ revision }) => revision);
const bodyOf = async (ref = ROLE) => (await readDocument(here().store, ref))?.body.toString();

test("a document is made, changed and removed, each as a revision of the registry with author, reason and time", async () => {
  const { store } = here();
  const made = await apply(store, [{ ref: ROLE, body: { a: 1 } }], {
    author: "acme/jo",
    reason: "it is 100 % needed\n",
  });
  expect(made).toMatchObject({ kind: "applied", revision: 1, outcomes: [{ outcome: "created", revision: 1 }] });
  expect(await readDocument(store, ROLE)).toMatchObject({
    revision: 1,
    state: "live",
    author: "acme/jo",
    reason: "it is 100 % needed\n",
    writtenAtMs: expect.closeTo(Date.now(), -5),
  });
  const changed = await apply(store, [{ ref: ROLE, body: { a: 2 }, expect: 1 }], { reason: "" });
  expect(changed).toMatchObject({ outcomes: [{ outcome: "changed", revision: 2, before: { revision: 1 } }] });
  const removed = await apply(store, [{ ref: ROLE, expect: 2 }]);
  expect(removed).toMatchObject({ outcomes: [{ outcome: "removed", revision: 3 }] });
  expect(await readDocument(store, ROLE)).toBeUndefined();
  expect(await listRevisions(store, ROLE)).toMatchObject([
    { revision: 3, state: "removed" },
    { revision: 2, state: "live", reason: "" },
    { revision: 1, state: "live", author: "acme/jo" },
  ]);
  expect((await readRevision(store, ROLE, 1))?.body.toString()).toBe('{"a":1}');
  expect((await readRevision(store, ROLE, 3))?.body.length).toBe(0);
  expect(await readRevision(store, ROLE, 4)).toBeUndefined();
});

test("several changes are made all or none, as one revision and one entry of the stream", async () => {
  const { store, client } = here();
  const other = refOf("limit/all", ACME);
  await apply(store, [
    { ref: ROLE, body: {} },
    { ref: other, body: {} },
  ]);
  expect(
    await apply(store, [
      { ref: other, body: { x: 1 } },
      { ref: ROLE, body: { x: 1 }, expect: 7 },
    ]),
  ).toEqual({
    kind: "conflict",
    place: 1,
    revision: 1,
  });
  expect(await bodyOf(other)).toBe("{}");
  expect(await client.hget(documents, "@revision")).toBe("1");
  const entries = await client.xrange(changes, "-", "+");
  expect(entries.map(([, fields]) => fields)).toEqual([
    ["revision", "1", "documents", "default/role/reader acme/limit/all"],
  ]);
});

test("of fifty that write from the same revision one wins, again and again, and the history has each revision once", async () => {
  const { store } = here();
  await apply(store, [{ ref: ROLE, body: { round: 0 } }]);
  for (let round = 1; round <= 5; round++) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, writer) => apply(store, [{ ref: ROLE, body: { round, writer }, expect: round }])),
    );
    const won = answers.flatMap((answer, writer) => (answer.kind === "applied" ? [writer] : []));
    expect(won).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === "conflict")).toHaveLength(49);
    expect(await bodyOf()).toBe(JSON.stringify({ round, writer: won[0] }));
  }
  expect(await revisionsOf()).toEqual([6, 5, 4, 3, 2, 1]);
});

test("fifty that write without looking all get a revision of their own, and the history is whole", async () => {
  const { store } = here();
  await Promise.all(Array.from({ length: 50 }, (_, writer) => apply(store, [{ ref: ROLE, body: { writer } }])));
  const revisions = await revisionsOf();
  expect(revisions).toEqual(Array.from({ length: 50 }, (_, i) => 50 - i));
  const bodies = await Promise.all(revisions.map(async (at) => (await readRevision(store, ROLE, at))?.body.toString()));
  expect(new Set(bodies).size).toBe(50);
});

test("the same content again is unchanged, whatever was expected; and so is removing what was removed", async () => {
  const { store } = here();
  await apply(store, [{ ref: ROLE, body: { a: 1 }, expect: 0 }]);
  const again = { kind: "applied", revision: 1, outcomes: [{ outcome: "unchanged", revision: 1 }] };
  expect(await apply(store, [{ ref: ROLE, body: { a: 1 }, expect: 0 }])).toMatchObject(again);
  await apply(store, [{ ref: ROLE, expect: 1 }]);
  expect(await apply(store, [{ ref: ROLE, expect: 1 }])).toMatchObject({
    revision: 2,
    outcomes: [{ outcome: "unchanged", revision: 2 }],
  });
  expect(await revisionsOf()).toEqual([2, 1]);
  expect(await apply(store, [{ ref: refOf("role/never") }])).toEqual({ kind: "unknown", place: 0 });
});

test("a removed document is made again from nothing, or from the revision that removed it", async () => {
  const { store } = here();
  await apply(store, [{ ref: ROLE, body: { a: 1 } }]);
  await apply(store, [{ ref: ROLE }]);
  expect(await apply(store, [{ ref: ROLE, body: { a: 2 }, expect: 1 }])).toMatchObject({
    kind: "conflict",
    revision: 0,
  });
  await apply(store, [{ ref: ROLE, body: { a: 2 }, expect: 0 }]);
  await apply(store, [{ ref: ROLE }]);
  await apply(store, [{ ref: ROLE, body: { a: 3 }, expect: 4 }]);
  expect(await revisionsOf()).toEqual([5, 4, 3, 2, 1]);
});

test("content is kept to the byte, whatever its spelling", async () => {
  const { store } = here();
  const body = '{ "z":1.50,\r\n\t"a" : "\\u00e9é\u2028 😀\\n",  "n": 12345678901234567890 }\n\n';
  await apply(store, [{ ref: ROLE, body }]);
  await apply(store, [{ ref: ROLE, body: "{}" }]);
  expect((await readRevision(store, ROLE, 1))?.body).toEqual(Buffer.from(body));
});

test("a dry run says what would become of it, and changes nothing", async () => {
  const { store, client } = here();
  await apply(store, [{ ref: ROLE, body: { a: 1 } }]);
  const before = await client.hgetall(documents);
  const answer = await apply(
    store,
    [
      { ref: ROLE, body: { a: 2 } },
      { ref: refOf("role/new"), body: {} },
    ],
    {
      dryRun: true,
    },
  );
  expect(answer).toMatchObject({
    revision: 1,
    outcomes: [
      { outcome: "changed", revision: 1 },
      { outcome: "created", revision: 0 },
    ],
  });
  expect(await client.hgetall(documents)).toEqual(before);
  expect(await client.xlen(changes)).toBe(1);
});

test("the history has as many former revisions as the kind wants, and no more bytes than its bound", async () => {
  const { store, client } = here();
  for (let round = 1; round <= 5; round++) await apply(store, [{ ref: ROLE, body: { round }, history: 2 }]);
  expect(await revisionsOf()).toEqual([5, 4, 3]);
  expect(await client.hkeys(history(documentPath(ROLE)))).toHaveLength(5);
  const large = refOf("role/large");
  for (let round = 1; round <= 30; round++)
    await apply(store, [{ ref: large, body: { round, x: "x".repeat(60_000) } }]);
  expect(await revisionsOf(large)).toHaveLength(18); // 17 of 60 kB in 1 MiB, and the one that it is
  const none = refOf("session/s1");
  await apply(store, [{ ref: none, body: {}, history: 0 }]);
  await apply(store, [{ ref: none, body: { a: 1 }, history: 0 }]);
  expect(await client.exists(history(documentPath(none)))).toBe(0);
  await apply(store, [{ ref: none, history: 0 }]);
  expect(await revisionsOf(none)).toEqual([38]);
});

test("a removed document's history goes when a thousand of its tenant and kind were removed after it", async () => {
  const { store, client } = here();
  for (let from = 0; from <= 1_000; from += 100) {
    const refs = Array.from({ length: 100 }, (_, i) => refOf(`session/s${from + i}`));
    await apply(
      store,
      refs.map((ref) => ({ ref, body: {}, history: 1 })),
    );
    await apply(
      store,
      refs.map((ref) => ({ ref, history: 1 })),
    );
  }
  expect(await revisionsOf(refOf("session/s0"))).toEqual([]);
  expect(await revisionsOf(refOf("session/s1099"))).toHaveLength(2);
  expect((await client.keys("*document:*")).length).toBe(1_000);
  expect(await client.hget(documents, `@${DEFAULT_TENANT}`)).toBe("1 0 0 2000");
  await expectKeysToExpire(client);
});

test("a tenant has so many documents and so many bytes, and another tenant notices nothing of that", async () => {
  const { store, client } = here();
  await client.hset(documents, `@${ACME}`, `1 ${MAX_DOCUMENTS} 10 0`);
  const own = refOf("role/one-more", ACME);
  expect(await apply(store, [{ ref: own, body: {} }])).toEqual({ kind: "full", place: 0, of: "documents" });
  expect(await apply(store, [{ ref: ROLE, body: {} }])).toMatchObject({ kind: "applied" });
  await client.hset(documents, `@${ACME}`, `1 1 ${MAX_TENANT_BYTES - 1} 0`);
  expect(await apply(store, [{ ref: own, body: {} }])).toEqual({ kind: "full", place: 0, of: "bytes" });
  expect(await client.hget(documents, `@${DEFAULT_TENANT}`)).toBe("1 1 2 0");
  await apply(store, [{ ref: ROLE }]);
  expect(await client.hget(documents, `@${DEFAULT_TENANT}`)).toBe("1 0 0 2");
});

test("what a tenant's histories come to is counted, and beyond a bound a change keeps the latest former revision alone", async () => {
  const { store, client } = here();
  const field = `@${ACME}`;
  const ref = refOf("role/wordy", ACME);
  for (let round = 0; round <= 4; round++) await apply(store, [{ ref, body: { round } }]);
  expect(await client.hget(documents, field)).toBe("1 1 11 44");
  await client.hset(documents, field, `1 1 11 ${MAX_TENANT_HISTORY_BYTES + 1}`);
  await apply(store, [{ ref, body: { round: 5 } }]);
  expect(await revisionsOf(ref)).toEqual([6, 5]);
  expect(await client.hget(documents, field)).toBe(`1 1 11 ${MAX_TENANT_HISTORY_BYTES + 1 - 33}`);
  await client.hset(documents, field, `1 1 11 ${MAX_TENANT_HISTORY_BYTES + 1}`);
  await apply(store, [{ ref }]);
  expect(await revisionsOf(ref)).toEqual([7]);
});

test("changes that were judged by another revision of the registry are not made", async () => {
  const { store } = here();
  await apply(store, [{ ref: ROLE, body: {} }]);
  expect(await apply(store, [{ ref: ROLE, body: { a: 1 } }], { judgedBy: 0 })).toEqual({
    kind: "outdated",
    revision: 1,
  });
  expect(await apply(store, [{ ref: ROLE, body: { a: 1 } }], { judgedBy: 1 })).toMatchObject({ kind: "applied" });
});

test("revisions are not given again when Redis has lost everything", async () => {
  const { store } = here();
  expect(await apply(store, [{ ref: ROLE, body: {} }], { above: 41 })).toMatchObject({ revision: 42 });
});

test("damaged values cost only themselves, and can be written over", async () => {
  const { store, client } = here();
  await apply(store, [{ ref: ROLE, body: {} }]);
  await client.hset(documents, documentPath(ROLE), "no entry", "@revision", "many", `@${DEFAULT_TENANT}`, "x");
  await client.set(history(documentPath(ROLE)), "not a hash");
  expect(await readDocument(store, ROLE)).toBeUndefined();
  expect(await apply(store, [{ ref: ROLE, body: { a: 1 }, expect: 0 }], { above: 1 })).toMatchObject({
    kind: "conflict",
  });
  expect(await apply(store, [{ ref: ROLE, body: { a: 1 } }], { above: 1 })).toMatchObject({
    revision: 2,
    outcomes: [{ outcome: "changed", before: undefined }],
  });
  expect(await bodyOf()).toBe('{"a":1}');
  expect(await client.exists(`${keyspace.documents.shard.prefix}damaged:document:${documentPath(ROLE)}`)).toBe(1);
});

test("what a later version has appended is read past, and kept in the history", async () => {
  const { store, client } = here();
  await client.hset(
    documents,
    documentPath(ROLE),
    "1 7 1700000000000 live acme/jo why later words\n{}",
    "@revision",
    "7",
  );
  expect(await readDocument(store, ROLE)).toMatchObject({ revision: 7, author: "acme/jo", reason: "why" });
  await apply(store, [{ ref: ROLE, body: { a: 1 }, expect: 7 }]);
  expect(await client.hget(history(documentPath(ROLE)), "7")).toBe("1 7 1700000000000 live acme/jo why later words");
});
