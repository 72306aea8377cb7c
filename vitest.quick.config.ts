import { mergeConfig } from "vitest/config";
import everything from "./vitest.config.js";

/**
 * `npm test -- --quick`, for the inner loop: what needs neither a cluster of node processes, nor another language's tools, nor
 * a failover of Redis, nor minutes of one processor. `.ci/run` runs everything.
 */
export default mergeConfig(everything, {
  test: {
    exclude: [
      "node_modules/**",
      "test/{clients,cluster,examples,local-cluster}/**",
      "test/docs/commands.test.ts",
      "test/tools/{bench,chaos,package,servers}/**",
      "test/tools/{bootstrap,start}.test.ts",
      "test/cmd/{cluster,context,dev,loading,serve-node,usage}.test.ts",
      "test/hosting/{cluster,mcp-server,mount}.test.ts",
      "test/redis/{cluster-commits,connections,failover,half-open,redis-groups}.test.ts",
      "test/sdk/{cluster,consumer,docs,nodes,provider,tool-log}.test.ts",
      "test/upkeep/lock-majority.test.ts",
      // Peers and outages that last.
      "test/front/grpc/slow-reader.test.ts",
      "test/store/calls/absence.test.ts",
      "test/tools/lint-imports.test.ts",
      // Long runs over random, very large or very costly inputs.
      "test/catalog/convergence.test.ts",
      "test/gateway/long-texts.test.ts",
      "test/redis/whole-scripts.test.ts",
      "test/schemas/{evaluated,loop-stalls,validator-cache-load}.test.ts",
    ],
  },
});
