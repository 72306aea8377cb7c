import { describe, expect, test } from "vitest";
import { parseClientConfig } from "../../src/config/client-config.js";

describe("parseClientConfig", () => {
  test("defaults to a node on this machine", () => {
    expect(parseClientConfig({ env: {} })).toEqual({ nodes: ["127.0.0.1:7400"], ca: "", keyFile: "", context: "" });
  });

  test("reads lists, and lets a flag win", () => {
    const env = { TOOLGATE_NODES: " a:1, [::1]:2 ,", TOOLGATE_CA: "ca.pem", TOOLGATE_LISTEN: "not its business" };
    expect(parseClientConfig({ env })).toEqual({ nodes: ["a:1", "[::1]:2"], ca: "ca.pem", keyFile: "", context: "" });
    expect(parseClientConfig({ env, flags: { nodes: "b:3" } }).nodes).toEqual(["b:3"]);
  });

  test.each([",", "a", "a:0", "a:70000", "a:1,b"])("refuses nodes %j", (nodes) => {
    expect(() => parseClientConfig({ env: { TOOLGATE_NODES: nodes } })).toThrow(/TOOLGATE_NODES must /);
    expect(() => parseClientConfig({ env: {}, flags: { nodes } })).toThrow(/--nodes must /);
  });

  test("names slips", () => {
    expect(() => parseClientConfig({ env: { TOOLGATE_NODE: "a:1" } })).toThrow("did you mean TOOLGATE_NODES?");
  });
});
