import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, longest first: what begins last is waited for at the end, when the other workers have nothing left
 * to do. They wait more than they compute, so that the rest runs beside them.
 */
const LONGEST = [
  "test/tools/chaos/figures.test.ts",
  "test/tools/chaos/short-run.test.ts",
  "test/docs/commands.test.ts",
  "test/cmd/cluster.test.ts",
  "test/tools/chaos/upgrade.test.ts",
  "test/tools/start.test.ts",
  "test/schemas/loop-stalls.test.ts",
  "test/examples/python.test.ts",
  "test/tools/bench/smoke.test.ts",
  "test/sdk/consumer.test.ts",
  "test/cluster/memory.test.ts",
  "test/hosting/cluster.test.ts",
];

/** Runs the longest files first; the rest as vitest does, which knows how long they took last if they have run here before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const gone = LONGEST.filter((name) => !existsSync(join(root, name)));
    if (gone.length > 0) throw new Error(`test/support/longest-first.ts names what is not there: ${gone.join(", ")}`);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(root, moduleId).split(sep).join("/"));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b)); // a stable sort
  }
}
