import { describe, expect, test } from "vitest";
import { parseToolsetName, type ToolsetName } from "../../src/identity/names.js";
import { DEFAULT_TENANT, parseTenantName } from "../../src/identity/tenant.js";
import {
  isToolsetName,
  MAX_TOOLSET_NAME_CHARACTERS,
  plainName,
  resolveToolset,
  shownToolset,
  tenantOf,
  toolsetOf,
} from "../../src/identity/toolset-name.js";

const ACME = parseTenantName("acme", "tenant");
const BETA = parseTenantName("beta", "tenant");
const FILES = parseToolsetName("files", "name");

test("a toolset of the default tenant is its plain name, one of another tenant has that before it", () => {
  expect(toolsetOf(DEFAULT_TENANT, FILES)).toBe("files");
  expect(toolsetOf(ACME, FILES)).toBe("acme/files");
  for (const tenant of [DEFAULT_TENANT, ACME]) {
    expect(tenantOf(toolsetOf(tenant, FILES))).toBe(tenant);
    expect(plainName(toolsetOf(tenant, FILES))).toBe("files");
  }
});

describe("what a caller writes", () => {
  test.each([
    [DEFAULT_TENANT, "files", "files"],
    [DEFAULT_TENANT, "default/files", "files"],
    [DEFAULT_TENANT, "acme/files", "acme/files"],
    [ACME, "files", "acme/files"],
    [ACME, "acme/files", "acme/files"],
    [ACME, "default/files", "files"],
    [ACME, "beta/files", "beta/files"],
  ])("in %s, %s is %s", (tenant, text, toolset) => {
    expect(resolveToolset(tenant, text, "toolset")).toBe(toolset);
  });

  test.each([
    "",
    "/",
    "/files",
    "acme/",
    "acme//files",
    "acme/files/x",
    "Acme/files",
    "acme/Files",
    "a_b/files",
    "..",
    "../files",
  ])("%j is refused as a bad plain name is", (text) => {
    expect(() => resolveToolset(ACME, text, "toolset")).toThrow(/^toolset must match \^\[a-z0-9\]/);
    expect(isToolsetName(text)).toBe(false);
  });
});

describe("what a caller reads", () => {
  test.each([
    [DEFAULT_TENANT, "files", "files"],
    [DEFAULT_TENANT, "acme/files", "acme/files"],
    [ACME, "acme/files", "files"],
    [ACME, "files", "default/files"],
    [BETA, "acme/files", "acme/files"],
  ])("in %s, %s is %s, and names it again", (tenant, toolset, shown) => {
    expect(shownToolset(tenant, toolset as ToolsetName)).toBe(shown);
    expect(resolveToolset(tenant, shown, "toolset")).toBe(toolset);
  });
});

test("a toolset has one identity: the default tenant is not spelled in it", () => {
  expect(isToolsetName("files")).toBe(true);
  expect(isToolsetName("acme/files")).toBe(true);
  expect(isToolsetName("default/files")).toBe(false);
  expect(isToolsetName("acme/files@1")).toBe(false);
});

test("the longest identity is as long as it is said to be", () => {
  const tenant = parseTenantName("t".repeat(63), "tenant");
  const longest = toolsetOf(tenant, parseToolsetName("n".repeat(128), "name"));
  expect(longest).toHaveLength(MAX_TOOLSET_NAME_CHARACTERS);
  expect(isToolsetName(longest)).toBe(true);
  expect(isToolsetName(`${longest}n`)).toBe(false);
});
