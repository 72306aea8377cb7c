import { afterEach, expect, test } from "vitest";
import { type ApplyDocuments, applyDocuments, type WantedChange } from "../../src/documents/apply-documents.js";
import type { DocumentRef } from "../../src/documents/document.js";
import type { DocumentCheck } from "../../src/documents/proposed-documents.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Principal } from "../../src/identity/principal.js";
import { readRevision } from "../../src/store/documents/read-documents.js";
import { ACME, apply, documentsForFile, keyspace, refOf } from "../store/documents/documents-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { NOTE, type OpenDocuments, openDocuments, SAFE, textsOf } from "./open-documents.js";

expectNoLeaks();
const here = documentsForFile();

const JO: Principal = { tenant: ACME, id: "jo doe", kind: "user", roles: [], attributes: {} };
const FIRST = refOf("note/first");

const opened: OpenDocuments[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});
async function open(checks: readonly DocumentCheck[] = []): Promise<OpenDocuments> {
  const one = await openDocuments(here().redis, { checks });
  opened.push(one);
  return one;
}

function put(ref: DocumentRef, body: unknown, expectRevision?: number): WantedChange {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { ref, wanted: { kind: "content", body: Buffer.from(text) }, expectRevision };
}
const remove = (ref: DocumentRef): WantedChange => ({ ref, wanted: { kind: "removed" }, expectRevision: undefined });
const restore = (ref: DocumentRef, revision: number): WantedChange => ({
  ref,
  wanted: { kind: "restored", revision },
  expectRevision: undefined,
});

const run = ({ parts }: OpenDocuments, changes: readonly WantedChange[], more: Partial<ApplyDocuments> = {}) =>
  applyDocuments(parts, { author: JO, changes, reason: "a test", dryRun: false, force: false, ...more });

const refusalOf = async (work: Promise<unknown>): Promise<ToolgateError> => {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof ToolgateError) return error;
  throw new Error(`it was not refused: ${JSON.stringify(error)}`);
};

test("says what became of each change and how it differs, and this node knows it when it has answered", async () => {
  const one = await open();
  const made = await run(one, [put(FIRST, { text: "one" }), put(refOf("note/second", ACME), { text: "x" })]);
  expect(made).toEqual({
    outcomes: [
      { ref: FIRST, outcome: "created", revision: 1, differences: ["added /text"] },
      { ref: refOf("note/second", ACME), outcome: "created", revision: 1, differences: ["added /text"] },
    ],
    findings: [],
    revision: 1,
  });
  expect(textsOf(one.copy)).toEqual({ "acme/second": "x", "default/first": "one" });
  const changed = await run(one, [put(FIRST, { text: "two", tags: [] }, 1)]);
  expect(changed.outcomes).toMatchObject([{ outcome: "changed", differences: ["changed /text", "added /tags"] }]);
  expect((await run(one, [put(FIRST, '{"text":"two", "tags":[]}')])).outcomes).toMatchObject([
    { outcome: "changed", differences: ["changed in spelling only"] },
  ]);
  expect((await run(one, [put(FIRST, '{"text":"two", "tags":[]}')])).outcomes).toMatchObject([
    { outcome: "unchanged", revision: 3, differences: [] },
  ]);
  expect((await run(one, [remove(FIRST)])).outcomes).toMatchObject([
    { outcome: "removed", revision: 4, differences: ["removed /text", "removed /tags"] },
  ]);
  expect(await readRevision(one.parts.store, FIRST, 4)).toMatchObject({ author: "acme/jo%20doe", reason: "a test" });
});

test("of fifty at once on three nodes one wins, the others hear what differs, and the history is whole", async () => {
  const nodes = [await open(), await open(), await open()];
  const [first] = nodes as [OpenDocuments];
  await run(first, [put(FIRST, { text: "start" })]);
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, (_, writer) => run(nodes[writer % 3] ?? first, [put(FIRST, { text: `w${writer}` }, 1)])),
  );
  const lost = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as ToolgateError] : []));
  expect(lost).toHaveLength(49);
  for (const error of lost) {
    expect(error).toMatchObject({
      reason: "DOCUMENT_CONFLICT",
      executed: "no",
      metadata: { document: "note/first", revision: "2", expected: "1" },
      violations: [{ field: "/text", description: "was changed meanwhile" }],
    });
  }
  for (const { copy } of nodes) await copy.catchUp();
  const winner = answers.findIndex(({ status }) => status === "fulfilled");
  expect(nodes.map(({ copy }) => textsOf(copy)["default/first"])).toEqual(Array(3).fill(`w${winner}`));
});

test("what is restored is to the byte what it was, also a removal and what was removed", async () => {
  const one = await open();
  const body = '{ "text" : "\\u0041\\r\\n 😀",\n"tags":[ ] }\n';
  await run(one, [put(FIRST, body)]);
  await run(one, [put(FIRST, { text: "two" })]);
  await run(one, [remove(FIRST)]);
  const back = await run(one, [restore(FIRST, 1)]);
  expect(back).toMatchObject({ revision: 4, outcomes: [{ outcome: "created" }] });
  expect(one.copy.held(FIRST)?.document.body.toString()).toBe(body);
  expect((await run(one, [restore(FIRST, 3)])).outcomes).toMatchObject([{ outcome: "removed" }]);
  expect(await refusalOf(run(one, [restore(FIRST, 99)]))).toMatchObject({ reason: "UNKNOWN_DOCUMENT" });
});

test("what is never shown stays where a change leaves it out, as it is now on whichever node", async () => {
  const [one, other] = [await open(), await open()];
  const ref = refOf("safe/one");
  const stored = () => JSON.parse(String(one.copy.held(ref)?.document.body));
  expect(await refusalOf(run(one, [put(ref, { roles: [] })]))).toMatchObject({ reason: "INVALID_DOCUMENT" });
  await run(one, [put(ref, { hash: "h1", roles: ["a"] })]);
  expect((await run(one, [put(ref, { roles: ["a"] })])).outcomes).toMatchObject([{ outcome: "unchanged" }]);
  expect((await run(one, [put(ref, { roles: ["b"] })])).outcomes).toMatchObject([
    { differences: ["changed /roles/0"] },
  ]);
  expect(stored()).toEqual({ hash: "h1", roles: ["b"] });
  await run(other, [put(ref, { hash: "h2", roles: [] })]);
  await run(one, [put(ref, { roles: ["c"] })]);
  expect(stored()).toEqual({ hash: "h2", roles: ["c"] });
  await run(one, [remove(ref)]);
  expect(await refusalOf(run(other, [put(ref, { roles: [] })]))).toMatchObject({ reason: "INVALID_DOCUMENT" });
});

test("of changes that leave out and change what is never shown at once, none brings the former one back", async () => {
  const nodes = [await open(), await open()] as const;
  const ref = refOf("safe/one");
  await run(nodes[0], [put(ref, { hash: "h0", roles: [] })]);
  for (let round = 1; round <= 10; round++) {
    await Promise.all([
      run(nodes[0], [put(ref, { hash: `h${round}`, roles: [] })]),
      ...Array.from({ length: 5 }, (_, n) => run(nodes[1], [put(ref, { roles: [`r${n}`] })])),
    ]);
    await nodes[0].copy.catchUp();
    expect(nodes[0].copy.get(SAFE, ref.tenant, ref.name)?.spec.hash).toBe(`h${round}`);
  }
});

test("what is restored is read as what is new is: rules may have become stricter since", async () => {
  const one = await open();
  await apply(here().store, [{ ref: FIRST, body: { text: "forbidden" } }]);
  await apply(here().store, [{ ref: FIRST, body: { text: "now" } }]);
  expect(await refusalOf(run(one, [restore(FIRST, 1)]))).toMatchObject({ reason: "INVALID_DOCUMENT" });
});

const nested = (depth: number) => `{"text":${"[".repeat(depth)}${"]".repeat(depth)}}`;

test.each<[string, WantedChange | readonly WantedChange[], string, RegExp]>([
  ["another type", put(FIRST, { text: 1 }), "INVALID_DOCUMENT", /note\/first: \/text must be string/],
  ["a member that is not known", put(FIRST, { text: "a", txt: "b" }), "INVALID_DOCUMENT", /\/txt is not known/],
  ["no JSON", put(FIRST, "{"), "INVALID_DOCUMENT", /must be one JSON value/],
  ["a list", put(FIRST, "[]"), "INVALID_DOCUMENT", /must be a JSON object/],
  ["a repeated key", put(FIRST, '{"text":"a","t\\u0065xt":"b"}'), "INVALID_DOCUMENT", /repeats a key/],
  ["__proto__", put(FIRST, '{"text":"a","__proto__":{"admin":true}}'), "INVALID_DOCUMENT", /never allowed/],
  ["great depth", put(FIRST, nested(50_000)), "INVALID_DOCUMENT", /64 KiB|65536|levels/],
  ["some depth", put(FIRST, nested(40)), "INVALID_DOCUMENT", /levels deep/],
  ["ten megabytes", put(FIRST, { text: "x".repeat(10_000_000) }), "INVALID_DOCUMENT", /at most 65536 bytes/],
  ["a kind that is not known", put(refOf("nott/x"), {}), "INVALID_DOCUMENT", /did you mean note/],
  ["what its kind refuses", put(FIRST, { text: "forbidden" }), "INVALID_DOCUMENT", /must be allowed/],
  ["removing what never was", remove(FIRST), "UNKNOWN_DOCUMENT", /there is no note "first"/],
  ["a document twice", [put(FIRST, {}), remove(FIRST)], "INVALID_REQUEST", /another change names/],
  ["nothing", [], "INVALID_REQUEST", /at least one/],
  ["too many", Array.from({ length: 101 }, (_, i) => remove(refOf(`note/n${i}`))), "INVALID_REQUEST", /at most 100/],
])("refuses %s, and changes nothing", async (_, changes, reason, message) => {
  const one = await open();
  const error = await refusalOf(run(one, [changes].flat()));
  expect(error).toMatchObject({ reason, message: expect.stringMatching(message) });
  expect(error.message.length).toBeLessThan(1_200);
  expect(await here().client.exists(keyspace.documents.documents)).toBe(0);
});

test("names every fault of all documents, and refuses what goes with them", async () => {
  const one = await open();
  const changes = [put(FIRST, { text: 1 }), put(refOf("note/good"), { text: "x" }), put(refOf("note/bad"), {})];
  expect((await refusalOf(run(one, changes))).violations).toEqual([
    { field: "note/first#/text", description: "must be string" },
    { field: "note/bad#/text", description: "is missing" },
  ]);
  expect(textsOf(one.copy)).toEqual({});
});

test.each(["x".repeat(513), "two\nlines", "\u001b[31m"])(
  "refuses a reason that is too long or not one line of text",
  async (reason) => {
    const one = await open();
    expect(await refusalOf(run(one, [put(FIRST, { text: "a" })], { reason }))).toMatchObject({
      reason: "INVALID_REQUEST",
    });
  },
);

test("a dry run says what would be, finds the same faults, and changes nothing", async () => {
  const one = await open();
  await run(one, [put(FIRST, { text: "one" })]);
  expect(await run(one, [put(FIRST, { text: "two" })], { dryRun: true })).toMatchObject({
    revision: 1,
    outcomes: [{ outcome: "changed", revision: 1, differences: ["changed /text"] }],
  });
  expect(await refusalOf(run(one, [put(FIRST, { text: "two" }, 0)], { dryRun: true }))).toMatchObject({
    reason: "DOCUMENT_CONFLICT",
  });
  expect(textsOf(one.copy)).toEqual({ "default/first": "one" });
});

test("a later version's document can be removed, and not written", async () => {
  const one = await open();
  const later = refOf("workflow/w1");
  await apply(here().store, [{ ref: later, body: { any: 1 } }]);
  expect(await refusalOf(run(one, [put(later, { any: 2 })]))).toMatchObject({ reason: "INVALID_DOCUMENT" });
  expect((await run(one, [remove(later)])).outcomes).toMatchObject([{ outcome: "removed" }]);
});

/** At least one note must be left, unless it is forced. */
const ONE_LEFT: DocumentCheck = {
  kinds: ["note"],
  *check({ after, force }) {
    yield;
    if ([...after.all(NOTE)].length === 0 && !force)
      throw new ToolgateError("INVALID_DOCUMENT", "no note would be left");
  },
  *findings({ after, changes }) {
    yield;
    const left = [...after.all(NOTE)].length;
    return changes.map(({ ref }) => ({ ref, path: "", message: `${left} left` }));
  },
};

test("checks see the documents as they would be, refuse, are overridden by force, and tell what they find", async () => {
  const one = await open([ONE_LEFT]);
  expect((await run(one, [put(FIRST, { text: "a" })])).findings).toEqual([{ ref: FIRST, path: "", message: "1 left" }]);
  expect(await refusalOf(run(one, [remove(FIRST)]))).toMatchObject({ message: "no note would be left" });
  expect(await refusalOf(run(one, [remove(FIRST)], { dryRun: true }))).toMatchObject({ reason: "INVALID_DOCUMENT" });
  expect((await run(one, [remove(FIRST), put(refOf("note/other"), { text: "b" })])).findings).toHaveLength(2);
  await run(one, [remove(refOf("note/other"))], { force: true });
  expect(textsOf(one.copy)).toEqual({});
});

test("two that are each right alone and wrong together are not both made, on whatever nodes", async () => {
  const nodes = [await open([ONE_LEFT]), await open([ONE_LEFT])] as [OpenDocuments, OpenDocuments];
  for (let round = 0; round < 20; round++) {
    const refs = [refOf(`note/a${round}`), refOf(`note/b${round}`)] as const;
    await run(nodes[0], [put(refs[0], { text: "a" }), put(refs[1], { text: "b" })], { force: true });
    const answers = await Promise.allSettled([run(nodes[0], [remove(refs[0])]), run(nodes[1], [remove(refs[1])])]);
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [left] = [...nodes[0].copy.all(NOTE)];
    if (left !== undefined) await run(nodes[0], [remove(left.ref)], { force: true });
  }
});

test("many at once on several nodes that are all judged are all made", async () => {
  const nodes = [await open([ONE_LEFT]), await open([ONE_LEFT]), await open([ONE_LEFT])];
  const all = await Promise.all(
    nodes.flatMap((node, at) =>
      Array.from({ length: 10 }, (_, i) => run(node, [put(refOf(`note/n${at}-${i}`), { text: "x" })])),
    ),
  );
  expect(new Set(all.map(({ revision }) => revision)).size).toBe(30);
});
