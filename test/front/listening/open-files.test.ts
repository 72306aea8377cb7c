import { expect, test } from "vitest";
import { fitConnections, openFilesLimit } from "../../../src/front/listening/open-files.js";

test("connections are no more than the system lets a process have open, and leave room for other hosts", () => {
  const wanted = { max: 8_192, maxPerHost: 7_168 };
  expect(fitConnections(wanted, undefined)).toEqual(wanted);
  expect(fitConnections(wanted, 1_048_576)).toEqual(wanted);
  expect(fitConnections(wanted, 1_024)).toEqual({ max: 768, maxPerHost: 672 });
  expect(fitConnections({ max: 8_192, maxPerHost: 100 }, 1_024)).toEqual({ max: 768, maxPerHost: 100 });
  expect(fitConnections(wanted, 10)).toEqual({ max: 1, maxPerHost: 1 });
  if (process.platform === "linux") expect(openFilesLimit()).toBeGreaterThan(0);
});
