import { describe, expect, test } from "vitest";
import type { CallerName } from "../../src/identity/caller-name.js";
import type { ToolName, ToolsetName } from "../../src/identity/names.js";
import { DEFAULT_TENANT, type TenantName } from "../../src/identity/tenant.js";
import { WEBHOOK, type WebhookSpec } from "../../src/webhooks/webhook.js";
import { WebhookChoice } from "../../src/webhooks/webhook-choice.js";
import { DocumentsInMemory } from "../access/policy/documents-in-memory.js";

const ACME = "acme" as TenantName;
const SPEC = { url: "https://hooks.example/", secrets: ["main"] };

function choiceOver(catchUp: (documents: DocumentsInMemory) => void = () => {}) {
  const documents = new DocumentsInMemory();
  const choice = new WebhookChoice(documents, async () => catchUp(documents));
  choice.start();
  const of = (caller: string, toolset = "files", tool = "read", asked?: string) =>
    choice.of(caller as CallerName, toolset as ToolsetName, tool as ToolName, asked);
  return { documents, choice, of };
}

describe("the webhooks of a call", () => {
  test("are none without documents, and none that only callers name", () => {
    const { documents, of } = choiceOver();
    expect(of("default ann")).toBeUndefined();
    documents.put(WEBHOOK, "named", SPEC);
    expect(of("default ann")).toBeUndefined();
  });

  test("are those whose documents fit it, of its caller's own tenant", () => {
    const { documents, of } = choiceOver();
    documents.put(WEBHOOK, "all", { ...SPEC, match: {} });
    documents.put(WEBHOOK, "files", { ...SPEC, match: { toolsets: ["fi*"], tools: ["read*"] } });
    documents.put(WEBHOOK, "hers", { ...SPEC, match: { principals: ["b*"] } });
    documents.put(WEBHOOK, "theirs", { ...SPEC, match: {} }, ACME);
    expect(of("default ann")).toBe("default/all,default/files");
    expect(of("default ann", "mail")).toBe("default/all");
    expect(of("default bob", "mail")).toBe("default/all,default/hers");
    expect(of("acme ann", "files")).toBe("acme/theirs"); // of a toolset that is the default tenant's
    documents.remove(WEBHOOK, "all");
    expect(of("default ann")).toBe("default/files");
  });

  test("are the default tenant's too, where its documents name the caller's", () => {
    const { documents, of } = choiceOver();
    documents.put(WEBHOOK, "audit", { ...SPEC, match: { tenants: ["ac*"] } });
    expect(of("acme ann", "acme/files")).toBe("default/audit");
    expect(of("beta ann", "beta/files")).toBeUndefined();
  });

  test("are eight at most, and the one that is asked for is among them", () => {
    const { documents, of } = choiceOver();
    for (let nth = 0; nth < 20; nth++) documents.put(WEBHOOK, `w${nth}`, { ...SPEC, match: {} });
    documents.put(WEBHOOK, "zz", SPEC);
    expect(String(of("default ann")).split(",")).toHaveLength(8);
    const asked = String(of("default ann", "files", "read", "zz")).split(",");
    expect(asked).toHaveLength(8);
    expect(asked[0]).toBe("default/zz");
  });

  test("that are asked for may be news, and are of the caller's tenant", async () => {
    const { documents, of } = choiceOver((all) => all.put(WEBHOOK, "new", SPEC, ACME));
    await expect(of("acme ann", "acme/files", "read", "new")).resolves.toBe("acme/new");
    documents.put(WEBHOOK, "billing", SPEC);
    for (const asked of ["billing", "other"])
      await expect(of("acme ann", "acme/files", "read", asked)).rejects.toMatchObject({
        reason: "INVALID_REQUEST",
        violations: [{ field: "call.webhook" }],
      });
    expect(of("default ann", "files", "read", "billing")).toBe("default/billing");
  });
});

const parse = (more: object, tenant = DEFAULT_TENANT): WebhookSpec =>
  WEBHOOK.parse({ ...SPEC, ...more }, { tenant, kind: "webhook", name: "billing" });

test.each([
  {},
  { match: {} },
  { match: { toolsets: ["acme/*"], tenants: ["acme"] }, outcomes: ["tool_error"], includeResult: true },
  { secrets: ["old", "new"], maxResultBytes: 1_048_576, description: "Pays." },
])("a document %j is one", (more) => {
  expect(parse(more)).toMatchObject(more);
});

test.each([
  [{ url: "hooks.example" }, "/url"],
  [{ url: "ftp://hooks.example/" }, "/url"],
  [{ url: "https://user:password@hooks.example/" }, "/url"],
  [{ url: "https://hooks.example/#part" }, "/url"],
  [{ url: `https://hooks.example/${"a".repeat(3_000)}` }, "/url"],
  [{ secrets: [] }, "/secrets"],
  [{ secrets: ["../other"] }, "/secrets/0"],
  [{ secrets: [".hidden"] }, "/secrets/0"],
  [{ secrets: ["a", "b", "c"] }, "/secrets"],
  [{ secrets: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "/secrets"],
  [{ outcomes: ["succeeded"] }, "/outcomes/0"],
  [{ maxResultBytes: 2_000_000 }, "/maxResultBytes"],
])("a document %j is refused at %s", (more, field) => {
  expect(() => parse(more)).toThrow(
    expect.objectContaining({ violations: expect.arrayContaining([expect.objectContaining({ field })]) }),
  );
});

test("only the default tenant hears of others' callers", () => {
  expect(() => parse({ match: { tenants: ["acme"] } }, ACME)).toThrow(
    expect.objectContaining({ violations: [expect.objectContaining({ field: "/match/tenants" })] }),
  );
});
