import { expect, test } from "vitest";
import { bareName, findByBareName, findByFullName, fullName } from "../../../src/front/mcp/tool-names.js";
import type { PlainToolsetName, ToolName, ToolsetName } from "../../../src/identity/names.js";
import { DEFAULT_TENANT, type TenantName } from "../../../src/identity/tenant.js";
import { plainName, shownToolset, tenantOf, toolsetOf } from "../../../src/identity/toolset-name.js";
import { SeededRandom } from "../../../tools/chaos/seeded-random.js";
import { CatalogInMemory } from "../../access/catalog-in-memory.js";

const CLIENTS_TAKE = /^[A-Za-z0-9_-]{1,64}$/;
const name = (text: string): ToolsetName => text as ToolsetName; // as registered

/** A catalogue of toolsets with these tools. */
function catalogOf(toolsets: ReadonlyMap<ToolsetName, readonly string[]>): CatalogInMemory {
  const catalog = new CatalogInMemory(10_000);
  for (const [toolset, tools] of toolsets)
    catalog.put(tenantOf(toolset), {
      ...{ name: plainName(toolset), version: "1.0.0", description: "", tags: [] },
      tools: tools.map((tool) => ({
        ...{ name: tool as ToolName, description: "", tags: [], payload: {}, delivery: "once" as const }, // as registered
      })),
    });
  return catalog;
}

test.each([
  ["files", "read_file", "files__read_file"],
  ["a-b", "c", "a-b__c"],
  ["a_b", "c_d", "a_b__c_d"],
  ["a", "_b", "a___b"],
])("%s and %s", (toolset, tool, expected) => {
  expect(fullName(toolset, name(toolset), tool)).toBe(expected);
});

test.each([
  ["a_", "b"],
  ["a__b", "c"],
  ["a.b", "c"],
  ["a", "b.c"],
  ["a", "b/c"],
  ["acme/files", "read"],
  ["x".repeat(128), "y".repeat(128)],
  ["files", "read-abcdefghijkl"],
])("%s and %s need a digest", (toolset, tool) => {
  const full = fullName(toolset, name(toolset), tool);
  expect(full).toMatch(CLIENTS_TAKE);
  expect(full).toMatch(/-[a-z2-7]{12}$/);
});

test("no two tools have one name, and each name leads back to its tool", async () => {
  const random = new SeededRandom("tool names");
  const some = (letters: string): string =>
    Array.from({ length: random.integer(1, random.chance(0.1) ? 127 : 4) }, () => random.pick([...letters])).join("");
  const pairs = new Map<string, [ToolsetName, string]>();
  const tenants = ["default", "acme", "a"] as TenantName[];
  while (pairs.size < 10_000) {
    const toolset = toolsetOf(random.pick(tenants), `a${some("ab_.-")}` as PlainToolsetName); // such letters are allowed
    const tool = `a${some("aB_./-2")}`;
    pairs.set(`${toolset} ${tool}`, [toolset, tool]);
  }
  const tools = new Map<ToolsetName, string[]>();
  for (const [toolset, tool] of pairs.values()) tools.set(toolset, [...(tools.get(toolset) ?? []), tool]);
  const catalog = catalogOf(tools);
  const tenant = DEFAULT_TENANT;
  const names = new Map<string, string>();
  const bare = new Set<string>();
  for (const [key, [toolset, tool]] of pairs) {
    const full = fullName(shownToolset(tenant, toolset), toolset, tool);
    expect(full).toMatch(CLIENTS_TAKE);
    expect(names.get(full)).toBeUndefined();
    names.set(full, key);
    bare.add(`${toolset} ${bareName(toolset, tool)}`);
  }
  expect(bare.size).toBe(pairs.size);
  for (const [full, key] of [...names].filter((_, index) => index % 10 === 0)) {
    const found = await findByFullName(catalog, tenant, full);
    expect(`${found?.toolset} ${found?.tool.name}`).toBe(key);
    const view = catalog.get(found?.toolset ?? "");
    const again = view && findByBareName(view, bareName(view.name, found?.tool.name ?? ""));
    expect(again?.tool.name).toBe(found?.tool.name);
  }
});

test("a name that is not quite a tool's is none", async () => {
  const catalog = catalogOf(new Map([[name("files"), ["read.file", "read"]]]));
  const full = fullName("files", name("files"), "read.file");
  expect(await findByFullName(catalog, DEFAULT_TENANT, full)).toBeDefined();
  const digest = full.slice(-13);
  for (const other of [
    `x${full}`,
    `files__other${digest}`,
    `other__read_file${digest}`,
    digest,
    "files",
    "files__",
    "__read",
    "files__Read",
  ])
    expect(await findByFullName(catalog, DEFAULT_TENANT, other)).toBeUndefined();
});
