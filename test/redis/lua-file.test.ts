import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { luaLiteral, readLua } from "../../src/redis/lua-file.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();
const folder = mkdtempSync(join(tmpdir(), "toolgate-lua-"));
const module = pathToFileURL(join(folder, "module.js")).href;
writeFileSync(join(folder, "part.lua"), "local a = LIMIT + LIMIT_BYTES\nlocal b = NAME\n");
afterAll(() => rmSync(folder, { recursive: true }));

test("puts values in the places of whole names", () => {
  const lua = readLua(module, "part.lua", { LIMIT: 7, LIMIT_BYTES: 9, NAME: "it's\\\n$&" });
  expect(lua).toBe("local a = 7 + 9\nlocal b = 'it\\'s\\\\\\n$&'\n");
});

test("refuses a name that the file does not have", () => {
  expect(() => readLua(module, "part.lua", { OTHER: 1 })).toThrow("part.lua has no OTHER");
});

test("writes texts and numbers as Lua does", () => {
  expect([luaLiteral(1_000), luaLiteral("a"), luaLiteral("a\n")]).toEqual(["1000", "'a'", "'a\\n'"]);
});
