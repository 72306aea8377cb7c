import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { builtProgram, PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { DRILLS } from "../../../tools/chaos/mutants/drills.js";
import { MUTANTS, type Mutant, mutantBuild } from "../../../tools/chaos/mutants/mutants.js";
import { allCaught, mutantsText } from "../../../tools/chaos/mutants/mutants-report.js";
import type { DrillRun } from "../../../tools/chaos/mutants/run-mutants.js";
import { compileEdited, editSources, makeTestBuild, removeTestBuild } from "../../../tools/chaos/test-build.js";

const mutate = (mutant: Mutant) => editSources(mutantBuild(mutant));
const compileMutants = (mutants: readonly Mutant[]) => compileEdited(mutants.map(mutantBuild));

describe("the seeded bugs", () => {
  test.each(MUTANTS)("$name fits one file of src", (mutant) => {
    const [[file, source] = ["", ""], ...others] = mutate(mutant);
    expect(source).not.toBe(readFileSync(join(PACKAGE_ROOT, file), "utf8"));
    expect(others).toEqual([]);
  });

  test("compile", () => {
    expect([...compileMutants(MUTANTS).keys()]).toEqual(MUTANTS.map(({ name }) => name));
  });

  test("are twenty at least, each under a name of its own, and every drill has one", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map(({ drill }) => drill))).toEqual(new Set(Object.keys(DRILLS)));
  });

  test("a list that fits no file, or does not parse, is refused", () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error("there is none");
    expect(() => mutate({ ...mutant, replace: "a text of no file" })).toThrow("in no file");
    expect(() => mutate({ ...mutant, replace: "export function" })).toThrow("must occur once");
    expect(() => compileMutants([{ ...mutant, by: "` } function" }])).toThrow("do not compile");
  });

  test("are no part of what is published", () => {
    const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { files: string[] };
    expect(manifest.files).toContain("!dist/tools");
  });
});

test("a test build differs from the build in the mutated file alone, and leaves the build as it is", () => {
  const before = readFileSync(builtProgram("src/sdk/request.js"), "utf8");
  const root = makeTestBuild("mutated", new Map([["src/sdk/request.ts", "// mutated\n"]]));
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
