import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../src/local-cluster/package-root.js";
import { VERSION } from "../src/version.js";

test("the version that nodes tell is the package's", () => {
  expect(JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"))).toMatchObject({ version: VERSION });
});
