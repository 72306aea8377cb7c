import { afterEach, expect, test } from "vitest";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";
import { documentPath } from "../../src/store/documents/document-ref.js";
import { ACME, apply, documentStore, documentsForFile, keyspace, refOf } from "../store/documents/documents-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { NOTE, type OpenDocuments, openDocuments, textsOf } from "./open-documents.js";

expectNoLeaks();
const here = documentsForFile();
const { documents, changes } = keyspace.documents;
const FIRST = refOf("note/first");

const opened: OpenDocuments[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});
async function open(more: Parameters<typeof openDocuments>[1] = {}): Promise<OpenDocuments> {
  const one = await openDocuments(here().redis, more);
  opened.push(one);
  return one;
}

const events = ({ log }: OpenDocuments, event: string) => log.filter((line) => line.event === event);

test("a copy has what there was, follows what comes, and tells what changed", async () => {
  const { store } = here();
  await apply(store, [{ ref: FIRST, body: { text: "one" } }]);
  const one = await open();
  expect(textsOf(one.copy)).toEqual({ "default/first": "one" });
  expect(one.copy.get(NOTE, DEFAULT_TENANT, "first")).toMatchObject({ revision: 1, author: "default/tester" });
  const second = refOf("note/second", ACME);
  await apply(store, [
    { ref: FIRST, body: { text: "two" } },
    { ref: second, body: { text: "new" } },
  ]);
  await until("the changes are there", () => one.copy.revision === 2);
  expect(textsOf(one.copy)).toEqual({ "acme/second": "new", "default/first": "two" });
  expect(one.changed.at(-1)).toEqual([documentPath(FIRST), documentPath(second)]);
  await apply(store, [{ ref: FIRST }]);
  await until("the removal is there", () => one.copy.get(NOTE, DEFAULT_TENANT, "first") === undefined);
  expect(one.changed.at(-1)).toEqual([documentPath(FIRST)]);
  expect([...one.copy.after(ACME, "")].map(({ document }) => document.ref.name)).toEqual(["second"]);
});

test("channels are only speed: without them a look every so often finds the same", async () => {
  const one = await open({ deaf: true, lookMs: 20 });
  await apply(here().store, [{ ref: FIRST, body: { text: "one" } }]);
  await until("it is there", () => textsOf(one.copy)["default/first"] === "one");
});

test("what one revision changes becomes visible at once", async () => {
  const { store } = here();
  const one = await open();
  const refs = Array.from({ length: 40 }, (_, i) => refOf(`note/n${i}`));
  const torn: string[] = [];
  one.copy.onChange(() => {
    const texts = new Set(Object.values(textsOf(one.copy)));
    if (texts.size > 1) torn.push([...texts].join());
  });
  for (let round = 1; round <= 30; round++) {
    await apply(
      store,
      refs.map((ref) => ({ ref, body: { text: `round ${round}` } })),
    );
  }
  await until(
    "the last round is there",
    () => one.copy.revision === 30 && textsOf(one.copy)["default/n39"] === "round 30",
  );
  expect(torn).toEqual([]);
});

test("a copy whose place in the stream was trimmed away reads everything anew, and forgets what is gone", async () => {
  const { client, store } = here();
  await apply(store, [{ ref: FIRST, body: { text: "one" } }]);
  await apply(store, [{ ref: refOf("note/gone"), body: { text: "x" } }]);
  const one = await open({ deaf: true, lookMs: 60_000 });
  await one.copy.catchUp(); // it makes no look of its own from here on
  await apply(store, [{ ref: FIRST, body: { text: "two" } }, { ref: refOf("note/gone") }]);
  await apply(store, [{ ref: refOf("note/other"), body: { text: "y" } }]);
  await client.xtrim(changes, "MAXLEN", 1);
  await one.copy.catchUp();
  expect(textsOf(one.copy)).toEqual({ "default/first": "two", "default/other": "y" });
  expect(one.changed.at(-1)?.sort()).toEqual(["default/note/first", "default/note/gone", "default/note/other"]);
  expect(events(one, "documents_reloaded")).toHaveLength(1);
  expect(events(one, "documents_lost")).toEqual([]);
});

test("a change is found also where the stream was emptied before it and after it", async () => {
  const { client, store } = here();
  const one = await open({ deaf: true, lookMs: 20 });
  for (const text of ["one", "two"]) {
    await apply(store, [{ ref: FIRST, body: { text } }]);
    await client.xtrim(changes, "MAXLEN", 0);
    await until("it is found", () => textsOf(one.copy)["default/first"] === text);
  }
});

test.each([
  ["Redis is flushed", async () => here().redis.flush()],
  ["the documents alone are lost", async () => void (await here().client.del(documents))],
])("when %s nothing of it is kept, that is said loudly, and revisions go on above", async (_, lose) => {
  const { store } = here();
  for (const text of ["one", "two", "three"]) await apply(store, [{ ref: FIRST, body: { text } }]);
  const one = await open({ lookMs: 20 });
  await lose();
  await until("it is gone", () => textsOf(one.copy)["default/first"] === undefined);
  expect(one.log).toContainEqual(
    expect.objectContaining({ event: "documents_lost", knownRevision: 3, revision: 0, lost: 1 }),
  );
  expect(one.copy.highestRevision).toBe(3);
  await apply(store, [{ ref: FIRST, body: { text: "again" } }], { above: one.copy.highestRevision });
  await until("what came after is there", () => textsOf(one.copy)["default/first"] === "again");
  expect(one.copy.revision).toBe(4);
  expect(events(one, "documents_lost")).toHaveLength(1);
});

test("an outage is survived with what is known, and is one line; then the copy follows again", async () => {
  const { redis, store } = here();
  await apply(store, [{ ref: FIRST, body: { text: "one" } }]);
  const one = await open({ lookMs: 20 });
  await redis.freeze();
  try {
    await until("the outage is noticed", () => events(one, "documents_not_followed").length > 0);
    await expect(one.copy.catchUp()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(textsOf(one.copy)).toEqual({ "default/first": "one" });
  } finally {
    await redis.thaw();
  }
  const after = documentStore(redis.client());
  await until("Redis answers", () => apply(after, [{ ref: FIRST, body: { text: "two" } }]).catch(() => undefined));
  await until("it is followed again", () => textsOf(one.copy)["default/first"] === "two");
  expect(events(one, "documents_not_followed").length).toBe(events(one, "documents_followed_again").length);
});

test("damaged documents are left out, each is logged once and without its content, and costs only itself", async () => {
  const { client, store } = here();
  await apply(store, [{ ref: FIRST, body: { text: "one" } }]);
  const entry = (body: string, state = "live") => `1 1 1700000000000 ${state} a/b -\n${body}`;
  const secret = "s3cret";
  await client.hset(documents, {
    "default/note/no-head": secret,
    "default/note/no-json": entry(`{${secret}`),
    "default/note/twice": entry(`{"text":"${secret}","text":"x"}`),
    "default/note/proto": entry(`{"text":"x","__proto__":{}}`),
    "default/note/deep": entry(`{"text":${"[".repeat(100)}${"]".repeat(100)}}`),
    "default/note/other": entry(`{"text":["${secret}"]}`),
    "default/note/list": entry("[]"),
    "default/note/large": entry(`{"text":"${"x".repeat(70_000)}"}`),
    "default/note/state": entry('{"text":"x"}', "later"),
    "default/note/later": entry('{"text":"later","more":1}'),
    [`no/path/at/all/${"x".repeat(100)}`]: secret,
    "default/note/a\nb": entry('{"text":"x"}'),
  });
  const one = await open({ lookMs: 20 });
  expect(textsOf(one.copy)).toEqual({ "default/first": "one", "default/later": "later" });
  const bad = events(one, "document_unreadable");
  expect(bad).toHaveLength(11);
  expect(JSON.stringify(bad)).not.toContain(secret);
  expect(bad).toContainEqual(
    expect.objectContaining({
      tenant: "default",
      kind: "note",
      name: "other",
      reason: expect.stringContaining("/text"),
    }),
  );
  for (const name of ["deep", "large", "list", "no-json", "other", "proto", "state", "twice"]) {
    expect(one.copy.isUnreadable(NOTE, DEFAULT_TENANT, name)).toBe(true);
  }
  for (const name of ["first", "later", "absent"]) {
    expect(one.copy.isUnreadable(NOTE, DEFAULT_TENANT, name)).toBe(false);
  }
  await client.xtrim(changes, "MAXLEN", 0);
  await one.copy.catchUp(); // reads everything anew
  expect(events(one, "document_unreadable")).toHaveLength(11);
  await apply(store, [{ ref: refOf("note/other"), body: { text: "mended" } }]);
  await until("it is mended", () => textsOf(one.copy)["default/other"] === "mended");
});

test("a later version's kind is kept and listed, and not served", async () => {
  const { store } = here();
  const later = refOf("workflow/w1");
  await apply(store, [{ ref: later, body: { any: "thing" } }]);
  const one = await open();
  expect(one.copy.held(later)).toMatchObject({ reading: { kind: "unknown_kind" }, document: { revision: 1 } });
  expect(events(one, "document_unreadable")).toEqual([]);
});

test("a fault of one listener keeps the others from nothing", async () => {
  const one = await open();
  const heard: number[] = [];
  one.copy.onChange(() => {
    throw new Error("broken");
  });
  const stop = one.copy.onChange((refs) => heard.push(refs.length));
  await apply(here().store, [{ ref: FIRST, body: { text: "one" } }]);
  await until("the other heard", () => heard.length === 1);
  stop();
  expect(events(one, "documents_listener_failed")).toHaveLength(1);
  expect(textsOf(one.copy)).toEqual({ "default/first": "one" });
});

test("a copy of many documents is whole, also while they are changed", async () => {
  const { store } = here();
  const refs = Array.from({ length: 1_500 }, (_, i) => refOf(`note/n${String(i).padStart(4, "0")}`));
  for (let from = 0; from < refs.length; from += 100) {
    await apply(
      store,
      refs.slice(from, from + 100).map((ref) => ({ ref, body: { text: "old" } })),
    );
  }
  const opening = open();
  const writing = refs.slice(0, 100).map((ref) => apply(store, [{ ref, body: { text: "new" } }]));
  const one = await opening;
  await Promise.all(writing);
  await one.copy.catchUp();
  const texts = Object.values(textsOf(one.copy));
  expect([texts.length, texts.filter((text) => text === "new").length]).toEqual([1_500, 100]);
  expect([...one.copy.after(DEFAULT_TENANT, "default/note/n1497")].map(({ document }) => document.ref.name)).toEqual([
    "n1498",
    "n1499",
  ]);
});

test("a node does not start without its documents", async () => {
  await here().client.set(documents, "a string");
  await expect(openDocuments(here().redis)).rejects.toThrow(/Redis refused/);
});
