import { expect, test } from "vitest";
import { restartDelayMs } from "../../src/hosting/restart-delay.js";
import { semanticVersion } from "../../src/hosting/server-version.js";

test.each([
  ["1.2.3", "1.2.3", false],
  ["1.2.3-beta.1", "1.2.3-beta.1", false],
  ["2026.8.31", "2026.8.31", false],
  ["2026.08.31", "2026.8.31", true],
  ["2026-08-31", "2026.8.31", true],
  ["v1.2", "1.2.0", true],
  ["release 4", "4.0.0", true],
  ["latest", "0.0.0", true],
  ["", "0.0.0", true],
])("a server that says version %j is registered as %s", (said, version, noted) => {
  const found = semanticVersion(said);
  expect(found.version).toBe(version);
  expect(found.note !== undefined).toBe(noted);
});

test("restarts are delayed longer and longer, with a random half taken off, up to a limit", () => {
  expect([1, 2, 3, 7, 60].map((deaths) => restartDelayMs(deaths, 0))).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  expect(restartDelayMs(3, 0.999)).toBeGreaterThanOrEqual(1_000);
});
