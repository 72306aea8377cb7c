import type { Build } from "./build.js";

/** How a node is ended for its restart. */
export type Ending = "SIGTERM" | "SIGKILL";

/** All nodes are taken from one build to the other, one after the other. */
export interface Leg {
  readonly from: Build;
  readonly to: Build;
  readonly ending: Ending;
  /** The version of the contract that the providers of one toolset change to while the cluster is mixed; undefined when they do not. */
  readonly contract: string | undefined;
}

/** A cluster that starts with one build, and is taken to others. */
export interface Pass {
  /** The builds of the pass; agents and providers use the SDKs of both. */
  readonly builds: readonly [Build, Build];
  /** What happens under one load, after which everything is read back, and then under the next. */
  readonly ways: readonly (readonly Leg[])[];
}

/** What a run has to do with. */
export interface Builds {
  readonly recorded: Build;
  readonly today: Build;
  readonly future: Build;
}

/**
 * The passes of a run: from the recorded build to today's and back, and from today's to a future one and back, in good order and by
 * kill -9. Where it is to be quick, the first in good order there and by kill -9 back, and the second from the future build back only.
 */
export function planPasses({ recorded, today, future }: Builds, quick: boolean): Pass[] {
  const leg = (from: Build, to: Build, ending: Ending, contract?: string): Leg => ({ from, to, ending, contract });
  if (quick) {
    return [
      {
        builds: [recorded, today],
        ways: [[leg(recorded, today, "SIGTERM", "2.0.0"), leg(today, recorded, "SIGKILL")]],
      },
      { builds: [future, today], ways: [[leg(future, today, "SIGTERM")]] },
    ];
  }
  const pairs = [
    [recorded, today],
    [today, future],
  ] as const;
  return pairs.flatMap(([former, next]) =>
    (["SIGTERM", "SIGKILL"] as const).map(
      (ending): Pass => ({
        builds: [former, next],
        ways: [[leg(former, next, ending, "2.0.0")], [leg(next, former, ending, "3.0.0")]],
      }),
    ),
  );
}
