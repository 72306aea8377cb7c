import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DRILLS } from "../../cmd/chaos/mutants/drills.js";
import { MUTANTS, type Mutant, mutantBuild } from "../../cmd/chaos/mutants/mutants.js";
import { allCaught, mutantsText } from "../../cmd/chaos/mutants/mutants-report.js";
import type { DrillRun } from "../../cmd/chaos/mutants/run-mutants.js";
import { compileEdited, editSources, makeTestBuild, removeTestBuild } from "../../cmd/chaos/test-build.js";
import { builtProgram, PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

/** A mutant's edited source. */
const mutate = (mutant: Mutant) => editSources(mutantBuild(mutant)).get(mutant.file);
const compileMutants = (mutants: readonly Mutant[]) => compileEdited(mutants.map(mutantBuild));

describe("the seeded bugs", () => {
  test.each(MUTANTS)("$name fits its file", (mutant) => {
    expect(mutate(mutant)).not.toBe(readFileSync(join(PACKAGE_ROOT, mutant.file), "utf8"));
  });

  test("compile", () => {
    expect([...compileMutants(MUTANTS).keys()]).toEqual(MUTANTS.map(({ name }) => name));
  });

  test("are twenty at least, each under a name of its own, and every drill has one", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map(({ drill }) => drill))).toEqual(new Set(Object.keys(DRILLS)));
  });

  test("a list that does not fit its file, or does not parse, is refused", () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error("there is none");
    expect(() => mutate({ ...mutant, replace: "what is not there" })).toThrow("occurs 0 times");
    expect(() => compileMutants([{ ...mutant, replace: "export function", by: "export } function" }])).toThrow();
  });

  test("are no part of what is published", () => {
    const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { files: string[] };
    expect(manifest.files).toContain("!dist/cmd/chaos");
  });
});

test("a test build differs from the build in the mutated file alone, and leaves the build as it is", () => {
  const mutant = MUTANTS.find(({ name }) => name === "gives-up");
  if (mutant === undefined) throw new Error("there is none of that name");
  const before = readFileSync(builtProgram("src/sdk/request.js"), "utf8");
  const root = makeTestBuild(mutant.name, new Map([[mutant.file, "// mutated\n"]]));
  try {
    expect(readFileSync(builtProgram("src/sdk/request.js", root), "utf8")).toBe("// mutated\n");
    expect(readFileSync(builtProgram("src/sdk/request.js"), "utf8")).toBe(before);
    const other = "src/sdk/client.js";
    expect(readFileSync(builtProgram(other, root), "utf8")).toBe(readFileSync(builtProgram(other), "utf8"));
  } finally {
    removeTestBuild(root);
  }
});

describe("the outcome", () => {
  const violation = { rule: "no call hangs", sort: "stuck", message: "", evidence: [] } as const;
  const [mutant] = MUTANTS;
  const control: DrillRun = { drill: "calm", mutant: undefined, violations: [], tookMs: 1 };
  const caught: DrillRun = { drill: "calm", mutant, violations: [violation], tookMs: 1 };

  test("is good when every mutant is caught and nothing is found without one", () => {
    expect(allCaught([control, caught])).toBe(true);
    expect(allCaught([control, { ...caught, violations: [] }])).toBe(false);
    expect(allCaught([{ ...control, violations: [violation] }, caught])).toBe(false);
  });
  test("names what was missed, and what was found without a mutant", () => {
    expect(mutantsText([control, caught], undefined)).toContain("All 1 mutants were caught");
    expect(mutantsText([control, { ...caught, violations: [] }], undefined)).toContain(
      "1 of 1 mutants were not caught",
    );
    expect(mutantsText([{ ...control, violations: [violation] }], undefined)).toContain("the drill calm is not clean");
  });
});
