export { type TestToolset, type TestToolsetOptions, testToolset } from "./test-toolset.js";
