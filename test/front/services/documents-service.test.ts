import { afterEach, expect, test } from "vitest";
import { OPEN_ACCESS } from "../../../src/access/open-access.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { CallContext } from "../../../src/front/services/call-context.js";
import { documentsMethods } from "../../../src/front/services/documents-service.js";
import type { UnaryMethod } from "../../../src/front/services/methods.js";
import { DEFAULT_TENANT, type TenantName } from "../../../src/identity/tenant.js";
import type { ApplyDocumentsRequest__Output } from "../../../src/protocol/generated/toolgate/v1/ApplyDocumentsRequest.js";
import type { DocumentChange__Output } from "../../../src/protocol/generated/toolgate/v1/DocumentChange.js";
import type { ListDocumentsRequest__Output } from "../../../src/protocol/generated/toolgate/v1/ListDocumentsRequest.js";
import { type OpenDocuments, openDocuments } from "../../documents/open-documents.js";
import { ACME, apply, documentsForFile, refOf } from "../../store/documents/documents-fixture.js";
import { expectNoLeaks } from "../../support/leaks.js";

expectNoLeaks();
const here = documentsForFile();

const opened: OpenDocuments[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

/** No kind of these tests has conditions, but where one says so. */
const NOTHING_UNJUDGED = { of: () => undefined };

async function service(unjudged: Parameters<typeof documentsMethods>[1] = NOTHING_UNJUDGED) {
  const one = await openDocuments(here().redis);
  opened.push(one);
  return documentsMethods(one.parts, unjudged);
}

/** The administrator of one tenant, and of that alone. */
function administratorOf(tenant: TenantName): CallContext {
  const principal = { tenant, id: "ada", kind: "key", roles: [], attributes: {} } as const;
  const mayIn = (verb: string, where: TenantName) => ({
    allowed: verb === "administer" && where === tenant,
    rule: undefined,
  });
  const identity = { principal, credential: "key/k1", expiresAtMs: Number.POSITIVE_INFINITY };
  return { identity, principal, access: { ...OPEN_ACCESS, principal, mayIn } } as unknown as CallContext; // all that the methods ask for
}
const ADA = administratorOf(DEFAULT_TENANT);

const ask = <Request, Response>(method: UnaryMethod<Request, Response>, request: Request, context = ADA) =>
  method.handler(request, context);
const refusalOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (answer) => ({ answer }),
    (error: unknown) => (error instanceof ToolgateError ? { reason: error.reason, message: error.message } : error),
  );

const wireRef = (path: string, tenant = "") => ({ ...refOf(path), tenant });
function change(
  path: string,
  body: unknown,
  more: Partial<DocumentChange__Output> & { readonly tenant?: string } = {},
) {
  const { tenant = "", ...rest } = more;
  const bodyJson = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  return { ref: wireRef(path, tenant), bodyJson, restoreRevision: 0, ...rest };
}
const applying = (...changes: DocumentChange__Output[]): ApplyDocumentsRequest__Output => ({
  ...{ changes, reason: "a test", dryRun: false, force: false },
});
const page = (more: Partial<ListDocumentsRequest__Output> = {}): ListDocumentsRequest__Output => ({
  ...{ tenant: "", kind: "", pageSize: 0, pageToken: "" },
  ...more,
});

test("an administrator makes, reads, lists and restores documents of the own tenant", async () => {
  const methods = await service();
  const body = { text: "one" };
  expect(await ask(methods.ApplyDocuments, applying(change("note/a", body)))).toMatchObject({
    outcomes: [{ ref: { tenant: "default", kind: "note", name: "a" }, outcome: "created", revision: 1 }],
    revision: 1,
  });
  const expecting = { expectRevision: 1, _expectRevision: "expectRevision" } as const;
  await ask(methods.ApplyDocuments, applying(change("note/a", { text: "two" }, expecting)));
  const stale = { expectRevision: 0, _expectRevision: "expectRevision" } as const;
  expect(
    await refusalOf(ask(methods.ApplyDocuments, applying(change("note/a", { text: "three" }, stale)))),
  ).toMatchObject({
    reason: "DOCUMENT_CONFLICT",
  });
  expect(await ask(methods.GetDocument, { ref: wireRef("note/a"), revision: 1 })).toMatchObject({
    document: { revision: 1, author: "default/ada", reason: "a test", bodyJson: Buffer.from(JSON.stringify(body)) },
  });
  await ask(methods.ApplyDocuments, applying(change("note/a", undefined)));
  expect(await refusalOf(ask(methods.GetDocument, { ref: wireRef("note/a"), revision: 0 }))).toEqual({
    reason: "UNKNOWN_DOCUMENT",
    message: 'there is no note "a"',
  });
  expect(await ask(methods.ListRevisions, { ref: wireRef("note/a") })).toMatchObject({
    revisions: [
      { revision: 3, removed: true },
      { revision: 2, removed: false },
      { revision: 1, removed: false },
    ],
  });
  await ask(methods.ApplyDocuments, applying(change("note/a", undefined, { restoreRevision: 1 })));
  const { documents, nextPageToken, revision } = await ask(methods.ListDocuments, page());
  expect(documents).toMatchObject([{ ref: { name: "a" }, revision: 4, bodyJson: Buffer.from(JSON.stringify(body)) }]);
  expect([nextPageToken, revision]).toEqual(["", 4]);
});

test("what the node could not judge of a document is shown of it as it is, and of no former revision", async () => {
  const { store } = here();
  for (const text of ["one", "two"]) await apply(store, [{ ref: refOf("note/a"), body: { text } }]);
  await apply(store, [{ ref: refOf("note/b"), body: { text: "b" } }]);
  const role = { times: 3, path: "/rules/0", why: "cost", atMs: 5 } as const;
  const methods = await service({ of: ({ name }) => (name === "a" ? role : undefined) });
  const shown = { times: 3, path: "/rules/0", reason: "it is too much work", atMs: 5 };
  const { documents = [] } = await ask(methods.ListDocuments, page());
  expect(documents.map(({ ref, unjudged }) => [ref?.name, unjudged])).toEqual([
    ["a", shown],
    ["b", null],
  ]);
  const get = async (revision: number) =>
    (await ask(methods.GetDocument, { ref: wireRef("note/a"), revision })).document;
  expect((await get(0))?.unjudged).toEqual(shown);
  expect((await get(1))?.unjudged).toBeUndefined();
});

test("what a later version wrote, and what was damaged, is listed with the reason for which the node does not go by it", async () => {
  const { store } = here();
  await apply(store, [{ ref: refOf("note/later"), body: { text: "a", since: 3 } }]);
  await apply(store, [{ ref: refOf("note/broken"), body: { text: 7 } }]);
  await apply(store, [{ ref: refOf("workflow/w"), body: { any: 1 } }]);
  await apply(store, [{ ref: refOf("note/well"), body: { text: "b" } }]);
  const methods = await service();
  const { documents = [] } = await ask(methods.ListDocuments, page());
  const reasons = Object.fromEntries(documents.map(({ ref, unreadable }) => [ref?.name, unreadable]));
  expect(reasons).toMatchObject({
    well: "",
    w: expect.stringContaining("kind"),
    broken: expect.stringContaining("/text"),
  });
  for (const { ref, unreadable } of documents) {
    const name = { tenant: "", kind: ref?.kind ?? "", name: ref?.name ?? "" };
    expect((await ask(methods.GetDocument, { ref: name, revision: 0 })).document?.unreadable).toBe(unreadable);
  }
});

test("who does not administer a tenant hears the same of it whether there is something or nothing, and changes nothing", async () => {
  const { store } = here();
  await apply(store, [{ ref: refOf("note/secret", ACME), body: { text: "acme's" } }]);
  const methods = await service();
  const forbidden = {
    reason: "FORBIDDEN",
    message: 'the caller\'s roles do not allow it to administer in tenant "acme"',
  };
  for (const name of ["note/secret", "note/absent"]) {
    const ref = wireRef(name, "acme");
    expect(await refusalOf(ask(methods.GetDocument, { ref, revision: 0 }))).toEqual(forbidden);
    expect(await refusalOf(ask(methods.ListRevisions, { ref }))).toEqual(forbidden);
  }
  expect(await refusalOf(ask(methods.ListDocuments, page({ tenant: "acme" })))).toEqual(forbidden);
  const mixed = applying(change("note/own", { text: "x" }), change("note/secret", undefined, { tenant: "acme" }));
  expect(await refusalOf(ask(methods.ApplyDocuments, mixed))).toEqual(forbidden);
  expect(await ask(methods.ListDocuments, page())).toMatchObject({ documents: [] });
  expect(await ask(methods.ListDocuments, page(), administratorOf(ACME))).toMatchObject({
    documents: [{ ref: { tenant: "acme", name: "secret" } }],
  });
});

test("pages are in order, whole, and bound to their question and tenant", async () => {
  const { store } = here();
  for (const tenant of [DEFAULT_TENANT, ACME]) {
    for (const kind of ["note", "safe"]) {
      const refs = Array.from({ length: 25 }, (_, i) => refOf(`${kind}/n${i}`, tenant));
      await apply(
        store,
        refs.map((ref) => ({ ref, body: kind === "note" ? { text: "x" } : { hash: "h", roles: [] } })),
      );
    }
  }
  const methods = await service();
  const all: string[] = [];
  let pageToken = "";
  do {
    const answer = await ask(methods.ListDocuments, page({ kind: "note", pageSize: 10, pageToken }));
    all.push(...(answer.documents ?? []).map(({ ref }) => `${ref?.tenant}/${ref?.kind}/${ref?.name}`));
    pageToken = answer.nextPageToken ?? "";
  } while (pageToken !== "");
  expect(all).toEqual(Array.from({ length: 25 }, (_, i) => `default/note/n${i}`).sort());
  const { nextPageToken = "" } = await ask(methods.ListDocuments, page({ pageSize: 1 }));
  for (const [request, context] of [
    [page({ kind: "note", pageToken: nextPageToken }), ADA],
    [page({ pageToken: nextPageToken }), administratorOf(ACME)],
    [page({ pageToken: "AAAA" }), ADA],
  ] as const) {
    expect(await refusalOf(ask(methods.ListDocuments, request, context))).toMatchObject({ reason: "INVALID_REQUEST" });
  }
});

test("a page ends where it would become too large for a message", async () => {
  const { store } = here();
  const refs = Array.from({ length: 60 }, (_, i) => refOf(`note/n${i}`));
  await apply(
    store,
    refs.map((ref) => ({ ref, body: { text: "x".repeat(50_000) } })),
  );
  const { documents = [], nextPageToken } = await ask(await service().then((methods) => methods.ListDocuments), page());
  expect(documents.length).toBeLessThan(30);
  expect(nextPageToken).not.toBe("");
});

test("nobody reads secrets: not as they are, not as they were, not in a list, not of kinds that the node does not know", async () => {
  const { store, client } = here();
  await apply(store, [{ ref: refOf("safe/s"), body: { hash: "hunter1", roles: ["a"] } }]);
  await apply(store, [{ ref: refOf("safe/s"), body: { hash: "hunter2", roles: ["b"] } }]);
  await apply(store, [{ ref: refOf("vault/v"), body: { hash: "hunter3" } }]);
  await client.hset("toolgate:{default/0}:documents", "default/safe/broken", '1 3 1 live a/b -\n{"hash":"hunter4"');
  const methods = await service();
  const answers = [
    await ask(methods.ListDocuments, page()),
    await ask(methods.GetDocument, { ref: wireRef("safe/s"), revision: 0 }),
    await ask(methods.GetDocument, { ref: wireRef("safe/s"), revision: 1 }),
    await ask(methods.GetDocument, { ref: wireRef("vault/v"), revision: 0 }),
    await ask(methods.GetDocument, { ref: wireRef("safe/broken"), revision: 0 }),
    await ask(methods.ListRevisions, { ref: wireRef("safe/s") }),
  ];
  const text = JSON.stringify(answers, (_, value) =>
    value?.type === "Buffer" ? Buffer.from(value.data).toString() : value,
  );
  expect(text).not.toContain("hunter");
  expect(text).toContain("roles");
});

test.each([
  ["no name", { ref: null, revision: 0 }],
  ["a name with a line break", { ref: wireRef("note/a\nb"), revision: 0 }],
  ["a name with a slash", { ref: { tenant: "", kind: "note", name: "a/b" }, revision: 0 }],
  ["an empty name", { ref: wireRef("note/"), revision: 0 }],
  ["a kind that is none", { ref: wireRef("No te/a"), revision: 0 }],
  ["a tenant that is none", { ref: wireRef("note/a", "AC/ME"), revision: 0 }],
  ["a negative revision", { ref: wireRef("note/a"), revision: -1 }],
])("refuses %s", async (_, request) => {
  const methods = await service();
  expect(await refusalOf(ask(methods.GetDocument, request))).toMatchObject({ reason: "INVALID_REQUEST" });
});
