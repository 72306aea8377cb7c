import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/set-up.ts"],
    pool: "forks",
    // Each file may run a Redis and three nodes beside itself.
    maxWorkers: 2,
    // Generous, since a busy machine is slow and nothing asserts on time; a hang still ends.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    teardownTimeout: 20_000,
  },
});
