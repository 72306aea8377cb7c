import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/set-up.ts"],
    pool: "forks",
    // Each file may run a Redis and three nodes beside itself.
    maxWorkers: 2,
    // Generous, since a busy machine is slow and nothing asserts on time; a hang still ends.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
    expect: { poll: { interval: 20, timeout: 30_000 } },
  },
});
