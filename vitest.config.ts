import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/set-up.ts"],
    pool: "forks",
    // For two cores: each file may run a Redis and three nodes beside itself, and waits for them nearly half of its time.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Generous, since a busy machine is slow and nothing asserts on time; a hang still ends.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
    expect: { poll: { interval: 20, timeout: 30_000 } },
  },
});
