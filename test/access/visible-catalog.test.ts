import { expect, test } from "vitest";
import { createPolicy } from "../../src/access/policy/policy.js";
import { ROLE } from "../../src/access/policy/role.js";
import { SHARE } from "../../src/access/policy/share.js";
import { TENANT } from "../../src/access/policy/tenant-document.js";
import { lookAtAll, lookForNear, visibleTo } from "../../src/access/visible-catalog.js";
import { unknownToolset } from "../../src/catalog/unknown-toolset.js";
import { parseToolsetName } from "../../src/identity/names.js";
import type { Principal } from "../../src/identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../src/identity/tenant.js";
import { contract, tool } from "../catalog/hand-written-catalog.js";
import { CatalogInMemory } from "./catalog-in-memory.js";
import { DocumentsInMemory } from "./policy/documents-in-memory.js";

const ACME = "acme" as TenantName;

function setUp() {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "reader", {
    rules: [
      { verbs: ["call"], toolsets: ["files"], tools: ["read_*"] },
      { verbs: ["discover"], tags: ["public"] },
    ],
  });
  const catalog = new CatalogInMemory();
  catalog.put(
    DEFAULT_TENANT,
    contract("files", { tools: [tool("read_file"), tool("delete_file"), tool("show", { tags: ["public"] })] }),
  );
  catalog.put(DEFAULT_TENANT, contract("fills", { tools: [tool("run")] }));
  catalog.put(DEFAULT_TENANT, contract("maps", { tags: ["public"], tools: [tool("draw")] }));
  const policy = createPolicy(documents);
  const seenBy = (roles: readonly string[], tenant = DEFAULT_TENANT) =>
    visibleTo(catalog, policy.accessOf({ tenant, id: "ann", kind: "key", roles, attributes: {} } satisfies Principal));
  return { documents, catalog, seenBy };
}

test("the catalogue itself is shown to those that see all of it", () => {
  const { catalog, seenBy } = setUp();
  expect(seenBy(["agent"])).toBe(catalog);
  expect(seenBy(["reader"])).toBe(seenBy(["reader"]));
});

test("toolsets of which no tool is visible are not there", () => {
  const { seenBy } = setUp();
  const seen = seenBy(["reader"]);
  expect(seen.get("fills")).toBeUndefined();
  expect(seen.all().map(({ name }) => name)).toEqual(["files", "maps"]);
  expect([...seen.after("files")].map(({ name }) => name)).toEqual(["maps"]);
  expect(seen.size).toBe(2);
  expect(seen.nearNames("fil")).toEqual(["files"]);
  expect(seenBy([]).all()).toEqual([]);
  expect(seenBy([]).nearNames("files")).toEqual([]);
});

test("what is visible is found out a toolset in a step, and is what it is without that", async () => {
  const { catalog, documents } = setUp();
  for (let n = 0; n < 50; n++) catalog.put(DEFAULT_TENANT, contract(`maps-${n}`, { tags: ["public"] }));
  let looked = 0;
  const policy = createPolicy(documents);
  const seen = () => {
    const principal = { tenant: DEFAULT_TENANT, id: "ann", kind: "key", roles: ["reader"], attributes: {} } as const;
    const access = policy.accessOf(principal);
    return visibleTo(catalog, {
      ...access,
      derived: new WeakMap(),
      visibleTools(toolset, tools) {
        looked++;
        return access.visibleTools(toolset, tools);
      },
    });
  };
  const [inSteps, atOnce] = [seen(), seen()];
  let most = 0;
  for (const _step of lookAtAll(inSteps)) {
    most = Math.max(most, looked);
    looked = 0;
  }
  expect(most).toBe(1);
  looked = 0;
  const names = inSteps.all().map(({ name }) => name);
  expect(looked).toBe(0);
  expect(names).toEqual(atOnce.all().map(({ name }) => name));
  expect(names).toHaveLength(52);
  // Hidden and absent alike, with the same names, whether they were looked for before or not.
  for (const name of ["fills", "filles", "map"].map((text) => parseToolsetName(text, "name"))) {
    await lookForNear(inSteps, DEFAULT_TENANT, name);
    const prepared = unknownToolset(inSteps, DEFAULT_TENANT, name);
    expect(prepared.message).toBe(unknownToolset(atOnce, DEFAULT_TENANT, name).message);
    expect(prepared.message).not.toMatch(/ "fills".*"fills"/);
  }
  expect(unknownToolset(inSteps, DEFAULT_TENANT, parseToolsetName("fills", "name")).metadata).toEqual({
    near: "files",
  });
});

test("tools that are not visible are in no contract, count or lookup; the digest stays the whole contract's", () => {
  const { catalog, seenBy } = setUp();
  const seen = seenBy(["reader"]).get("files");
  const whole = catalog.get("files");
  expect(seen?.shown.contract().tools.map(({ name }) => name)).toEqual(["read_file", "show"]);
  expect(seen?.active?.tool("delete_file")).toBeUndefined();
  expect(seen?.active?.tool("read_file")).toBe(whole?.active?.tool("read_file"));
  expect(seen?.shown.facts().toolCount).toBe(2);
  expect(seen?.shown.outline().tools.map(({ name }) => name)).toEqual(["read_file", "show"]);
  expect(seen?.shown.digest).toBe(whole?.shown.digest);
  expect(whole?.shown.contract().tools).toHaveLength(3);
});

test("the same array and the same views are shown as long as nothing has changed", () => {
  const { catalog, documents, seenBy } = setUp();
  const seen = seenBy(["reader"]);
  expect(seen.all()).toBe(seen.all());
  expect(seen.get("files")).toBe(seen.all()[0]);
  catalog.put(DEFAULT_TENANT, contract("more", { tags: ["public"] }));
  expect(seen.all().map(({ name }) => name)).toEqual(["files", "maps", "more"]);
  documents.put(ROLE, "reader", { rules: [] });
  expect(seenBy(["reader"]).all()).toEqual([]);
});

test("an epoch of which no tool is visible is not there either", () => {
  const { catalog, seenBy } = setUp();
  catalog.put(DEFAULT_TENANT, contract("files", { version: "2.0.0", tools: [tool("delete_file")] }));
  const seen = seenBy(["reader"]).get("files");
  expect(seen?.active).toBeUndefined();
  expect(seen?.epochs.map(({ version }) => version)).toEqual(["1.0.0"]);
});

test("another tenant's toolsets are there as far as they are shared, and its own caller sees nothing of the default tenant", () => {
  const { catalog, documents, seenBy } = setUp();
  documents.put(TENANT, "acme", {});
  catalog.put(ACME, contract("files", { tools: [tool("read_file"), tool("write_file")] }));
  catalog.put(ACME, contract("secrets"));
  expect(
    seenBy(["agent"])
      .all()
      .map(({ name }) => name),
  ).toEqual(["files", "fills", "maps"]);
  expect(
    seenBy(["agent"], ACME)
      .all()
      .map(({ name }) => name),
  ).toEqual(["acme/files", "acme/secrets"]);
  documents.put(SHARE, "files", { toolsets: ["files"], tools: ["read_file"], with: ["default"] }, ACME);
  const seen = seenBy(["agent"]);
  expect(
    seen
      .get("acme/files")
      ?.shown.contract()
      .tools.map(({ name }) => name),
  ).toEqual(["read_file"]);
  expect(seen.get("acme/secrets")).toBeUndefined();
});

test("a record that cannot be read is shown to those that may see all tools of such a toolset", () => {
  const { catalog, seenBy } = setUp();
  catalog.damage(parseToolsetName("broken", "name"));
  catalog.damage("acme/broken");
  catalog.damage("No Name");
  expect(seenBy(["agent"]).damaged()).toEqual(["broken"]);
  expect(seenBy(["admin"]).damaged()).toEqual(["No Name", "broken"]);
  expect(seenBy(["agent"], ACME).damaged()).toEqual(["acme/broken"]);
  expect(seenBy(["reader"]).damageOf("broken")).toBeUndefined();
  expect(seenBy(["agent"]).damageOf("broken")).toBeDefined();
});
