import { expect, inject, test } from "vitest";
import { expectNoLeaks } from "../../support/leaks.js";
import { runChaosProgram } from "./running.js";

expectNoLeaks();

/** The cluster heals in seconds; what an agent asked over a half-open connection takes half a minute to be asked anew. */
const WITHIN_MS = 400_000;

test.runIf(inject("redisForTests").kind === "binary")(
  "faults for three quarters of a minute break no promise",
  async () => {
    const run = runChaosProgram(["--seed", "short", "--seconds", "45", "--rate", "40", "--json"]);
    const status = await run.ended;
    expect(status, run.output()).toBe(0);
    const outcome: unknown = JSON.parse(run.told());
    expect(outcome).toMatchObject({
      seed: "short",
      clean: true,
      folder: "",
      phases: [
        { name: "faults", lost: 0, doubled: 0, stuck: 0, other: 0, violations: [] },
        { name: "flush", lost: 0, doubled: 0, stuck: 0, other: 0, violations: [] },
      ],
    });
  },
  WITHIN_MS,
);
