export type { TestToolset, TestToolsetOptions } from "./memory-gateway.js";
export { testToolset } from "./test-toolset.js";
