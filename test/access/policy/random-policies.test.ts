import { expect, test } from "vitest";
import { createPolicy } from "../../../src/access/policy/policy.js";
import { ROLE } from "../../../src/access/policy/role.js";
import { SHARE } from "../../../src/access/policy/share.js";
import { TENANT } from "../../../src/access/policy/tenant-document.js";
import { VERBS } from "../../../src/access/verbs.js";
import { visibleTo } from "../../../src/access/visible-catalog.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { PlainToolsetName } from "../../../src/identity/names.js";
import { nearNames } from "../../../src/identity/near-names.js";
import type { Principal } from "../../../src/identity/principal.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { toolsetOf } from "../../../src/identity/toolset-name.js";
import type { Json } from "../../../src/json/json.js";
import { InvertedIndex } from "../../../src/search/inverted-index.js";
import { contract, tool } from "../../catalog/hand-written-catalog.js";
import { Random } from "../../support/random.js";
import { CatalogInMemory } from "../catalog-in-memory.js";
import { DocumentsInMemory } from "./documents-in-memory.js";
import { NaivePolicy, type NaiveRole, type NaiveRule, type NaiveShare, type NaiveTool } from "./naive-policy.js";

/** `TOOLGATE_POLICIES=100000` tries more. */
// biome-ignore lint/style/noProcessEnv: a test's own switch
const POLICIES = Number(process.env.TOOLGATE_POLICIES ?? 10_000);
/** How many principals each policy is asked for. */
const PRINCIPALS = 1;

const TENANTS = ["default", "acme", "acme-2"] as const;
const NAMES = ["files", "files.v2", "maps", "fil"] as const;
const TOOLS = ["read", "read_all", "write", "admin/read", "Read"] as const;
const TAGS = ["public", "safe"] as const;
const ROLES = ["a", "b", "c", "wide"] as const;
const NAME_PATTERNS = ["*", "files", "fil*", "*s", "f*l*s*", "*.v2", "maps", "**", "x*"] as const;
const TENANT_PATTERNS = ["acme", "acme*", "*", "default", "*-2"] as const;
const TOOL_PATTERNS = ["*", "read", "read*", "*read", "admin/*", "*/*", "R*", "w*e", "*_*"] as const;
const CONDITIONS = [
  "args.n > 1",
  "has(args.force) && args.force",
  "args.list.exists(x, x == 'a')",
  "true",
  "args.n",
] as const;
const ARGUMENTS: readonly Json[] = [
  {},
  { n: 1 },
  { n: 2, list: ["a"] },
  { n: "x", force: true },
  { n: 5, list: [1], force: false },
];

function randomRule(random: Random): NaiveRule {
  const effect = random.pick(["allow", "allow", "deny", undefined] as const);
  const toolsets = Array.from({ length: 1 + random.below(2) }, () => {
    const name = random.pick(NAME_PATTERNS);
    return random.below(3) === 0 ? `${random.pick(TENANT_PATTERNS)}/${name}` : name;
  });
  const narrow = {
    ...(effect === undefined ? {} : { effect }),
    ...(random.below(5) === 0 ? {} : { toolsets }),
    ...(random.below(4) === 0 ? { tags: random.some(TAGS, 1) } : {}),
  };
  // Only discover and call can be narrowed to tools, and only call to arguments.
  const kind = random.below(6);
  if (kind === 0)
    return { ...narrow, verbs: random.some(["follow", "cancel", "operate", "approve", "discover", "call"], 1) };
  const tools = random.below(2) === 0 ? {} : { tools: random.some(TOOL_PATTERNS, 1) };
  if (kind === 1) return { ...narrow, ...tools, verbs: ["call"], when: random.pick(CONDITIONS) };
  return { ...narrow, ...tools, verbs: random.some(["discover", "call"], 1) };
}

function randomPolicy(random: Random): { readonly roles: NaiveRole[]; readonly shares: NaiveShare[] } {
  const roles = random.some(TENANTS, 1).flatMap((tenant) =>
    ROLES.map((name): NaiveRole => {
      const rules = Array.from({ length: random.below(4) }, () => randomRule(random));
      return { tenant, name, rules, ...(name === "wide" && tenant === "default" ? { scope: "cluster" as const } : {}) };
    }),
  );
  const shares = TENANTS.flatMap((tenant): NaiveShare[] => {
    if (random.below(2) === 0) return [];
    const others = TENANTS.filter((other) => other !== tenant);
    return [
      {
        ...{ tenant, toolsets: random.some(NAME_PATTERNS, 1), with: random.some(others, 1) },
        ...(random.below(2) === 0 ? {} : { tools: random.some(TOOL_PATTERNS, 1) }),
        ...(random.below(2) === 0 ? {} : { verbs: random.some(["discover", "call"], 1) }),
      },
    ];
  });
  return { roles, shares };
}

/** The same for every policy: each tenant has each name, and tools whose tags differ. */
function wholeCatalog(): {
  readonly catalog: CatalogInMemory;
  readonly tools: readonly NaiveTool[];
  readonly index: InvertedIndex;
} {
  const random = new Random(1);
  const catalog = new CatalogInMemory();
  const index = new InvertedIndex();
  const tools: NaiveTool[] = [];
  for (const tenant of TENANTS) {
    for (const toolset of NAMES) {
      const toolsetTags = random.below(3) === 0 ? [random.pick(TAGS)] : [];
      const contracts = TOOLS.map((name) => tool(name, { tags: random.below(3) === 0 ? [random.pick(TAGS)] : [] }));
      const whole = contract(toolset, { description: "common", tags: toolsetTags, tools: contracts });
      catalog.put(tenant as TenantName, whole);
      for (const { name, tags } of contracts) tools.push({ tenant, toolset, toolsetTags, tool: name, toolTags: tags });
      for (const _step of index.put(identity(tenant, toolset), whole, "digest"));
    }
  }
  return { catalog, tools, index };
}

function identity(tenant: string, toolset: string) {
  return toolsetOf(tenant as TenantName, toolset as PlainToolsetName); // they are
}

/** By hand: the verdicts of the conditions above. */
function judge(when: string, args: Json): boolean | undefined {
  const { n, list, force } = args as { n?: Json; list?: readonly Json[]; force?: Json }; // all of the arguments above are
  switch (when) {
    case "args.n > 1":
      return typeof n === "number" ? n > 1 : undefined;
    case "has(args.force) && args.force":
      return force === undefined ? false : force === true;
    case "args.list.exists(x, x == 'a')":
      return list?.includes("a");
    case "true":
      return true;
    default:
      return typeof n === "boolean" ? n : undefined;
  }
}

test(`${POLICIES} random policies decide as their prose says, and show in every way what they let be called`, () => {
  const { catalog, tools, index } = wholeCatalog();
  const random = new Random(20_261_130);
  const seen = { visible: 0, hidden: 0, callable: 0, forbidden: 0 };
  for (let count = 0; count < POLICIES; count++) {
    const { roles, shares } = randomPolicy(random);
    const documents = new DocumentsInMemory();
    for (const tenant of TENANTS.slice(1)) documents.put(TENANT, tenant, {});
    for (const { tenant, name, ...body } of roles) documents.put(ROLE, name, body, tenant as TenantName);
    for (const { tenant, ...body } of shares) documents.put(SHARE, "share", body, tenant as TenantName);
    const policy = createPolicy(documents);
    const oracle = new NaivePolicy(roles, shares);
    for (let asked = 0; asked < PRINCIPALS; asked++) {
      const principal: Principal = {
        ...{ tenant: random.pick(TENANTS) as TenantName, id: "ann", kind: "key", attributes: {} },
        roles: random.some([...ROLES, "missing", "__proto__"], 1),
      };
      const access = policy.accessOf(principal);
      const what = () => JSON.stringify({ count, principal, roles, shares });
      const visible = tools.filter((one) => oracle.isVisible(principal, one));
      for (const one of tools) {
        const toolset = { name: identity(one.tenant, one.toolset), tags: one.toolsetTags };
        const asTool = { name: one.tool, tags: one.toolTags };
        const isVisible = visible.includes(one);
        if (access.mayUse("discover", toolset, asTool).allowed !== isVisible)
          expect.fail(`${JSON.stringify(one)} should ${isVisible ? "" : "not "}be visible: ${what()}`);
        seen[isVisible ? "visible" : "hidden"]++;
        const args = random.pick(ARGUMENTS);
        const decision = access.mayUse("call", toolset, asTool);
        const isCallable =
          decision.allowed && (decision.byArguments === undefined || decision.byArguments(args, principal).allowed);
        if (isCallable !== oracle.isCallable(principal, one, args, judge))
          expect.fail(
            `${JSON.stringify(one)} should ${isCallable ? "not " : ""}be callable with ${JSON.stringify(args)}: ${what()}`,
          );
        // What may be called is visible, whatever it is called with.
        if (isCallable && !isVisible) expect.fail(`${JSON.stringify(one)} is callable and hidden: ${what()}`);
        seen[isCallable ? "callable" : "forbidden"]++;
      }
      const verb = random.pick(
        VERBS.filter((each) => !["discover", "call", "audit", "administer", "register"].includes(each)),
      );
      const some = random.pick(tools);
      const toolset = { name: identity(some.tenant, some.toolset), tags: some.toolsetTags };
      if (access.may(verb as "operate", toolset).allowed !== oracle.mayDo(principal, verb, some))
        expect.fail(`${verb} on ${toolset.name}: ${what()}`);

      // List, get, search and near names show what is visible, and nothing else.
      const shown = visibleTo(catalog, access);
      const expected = visible.map((one) => `${identity(one.tenant, one.toolset)} ${one.tool}`).sort();
      const toolsets = [...new Set(visible.map((one) => identity(one.tenant, one.toolset)))].sort();
      const listed = shown
        .all()
        .flatMap(({ name, shown: epoch }) => epoch.contract().tools.map((each) => `${name} ${each.name}`));
      if (JSON.stringify(listed.sort()) !== JSON.stringify(expected)) expect.fail(`listed are ${listed}: ${what()}`);
      const paged = [...shown.after("")].map(({ name }) => name);
      if (JSON.stringify(paged) !== JSON.stringify(toolsets)) expect.fail(`on pages are ${paged}: ${what()}`);
      const got = tools.filter(
        (one) => shown.get(identity(one.tenant, one.toolset))?.active?.tool(one.tool) !== undefined,
      );
      if (got.length !== visible.length || got.some((one) => !visible.includes(one)))
        expect.fail(`got are others: ${what()}`);
      const near = shown.nearNames("file");
      if (JSON.stringify(near) !== JSON.stringify(nearNames("file", toolsets)))
        expect.fail(`near are ${near}: ${what()}`);
      const found = index
        .rank({
          query: "read",
          limit: 1_000,
          after: undefined,
          accepts: (name) => shown.get(name) !== undefined,
          seen: {
            toolset: (name) => shown.get(name) !== undefined,
            tool: (name, each) => shown.get(name)?.shown.tool(each) !== undefined,
          },
        })
        .map(({ document }) => `${document.toolset} ${document.tool}`)
        .sort();
      const named = expected.filter((one) => /read/i.test(one.slice(one.indexOf(" "))));
      if (JSON.stringify(found) !== JSON.stringify(named)) expect.fail(`found are ${found} for ${named}: ${what()}`);
    }
  }
  // Each outcome has to be frequent, or the policies prove little.
  for (const [outcome, times] of Object.entries(seen)) expect(times, outcome).toBeGreaterThan(POLICIES);
});

test.each([
  null,
  [],
  {},
  5,
  "x",
  true,
  [[]],
  [{}],
  [null],
  { rules: null },
  { rules: {} },
  { rules: [null] },
  { rules: [[]] },
] satisfies Json[])("a role, a share and a tenant that are %j are refused, or allow nothing", (body) => {
  const ref = { tenant: "acme" as TenantName, kind: "role", name: "x" };
  expect(() => ROLE.parse(body, ref)).toThrowError(expect.objectContaining({ reason: "INVALID_DOCUMENT" }));
  expect(() => SHARE.parse(body, { ...ref, kind: "share" })).toThrowError(
    expect.objectContaining({ reason: "INVALID_DOCUMENT" }),
  );
  expect(() => TENANT.parse(body, { ...ref, kind: "tenant" })).toThrowError(
    expect.objectContaining({ reason: "INVALID_DOCUMENT" }),
  );
});

const ODD: readonly Json[] = [
  null,
  [],
  {},
  0,
  1,
  "",
  "*",
  true,
  false,
  [null],
  [[]],
  [{}],
  [""],
  [0],
  ["\u0000"],
  ["ＣＡＬＬ"],
  ["Call"],
];

test("a member of a rule that is of another type is refused at its place, never read as something wider", () => {
  const ref = { tenant: "default" as TenantName, kind: "role", name: "x" };
  for (const member of ["effect", "verbs", "toolsets", "tools", "tags", "when"]) {
    for (const odd of ODD) {
      const rule = { verbs: ["call"], toolsets: ["files"], tools: ["read"], [member]: odd };
      const result = parsed(rule, ref);
      if (result.kind === "refused")
        expect(result.fields[0], `${member} ${JSON.stringify(odd)}`).toMatch(`/rules/0/${member}`);
      // What is of the right type is read as it is written.
      else expect(result.rule).toMatchObject({ [member]: odd });
    }
  }
});

function parsed(rule: Json, ref: Parameters<typeof ROLE.parse>[1]) {
  try {
    return { kind: "read", rule: ROLE.parse({ rules: [rule] }, ref).rules[0] } as const;
  } catch (error) {
    if (!(error instanceof ToolgateError)) throw error;
    return { kind: "refused", fields: error.violations.map(({ field }) => field) } as const;
  }
}
