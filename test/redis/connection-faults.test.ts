import { expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { ConnectionFaults } from "../../src/redis/connection-faults.js";

function told() {
  const lines: string[] = [];
  const warn = (fields: object): void => void lines.push(JSON.stringify(fields));
  return { faults: new ConnectionFaults({ ...SILENT_LOGGER, warn }), lines };
}

test("a fault is told once per connection, also where several fail in turn, and again after it was healed", () => {
  const { faults, lines } = told();
  const refused = new Error("connect ECONNREFUSED");
  for (let attempt = 0; attempt < 3; attempt++) {
    faults.report("sentinel a:1", refused);
    faults.report("sentinel b:1", refused);
  }
  expect(lines).toHaveLength(2);
  faults.recovered("sentinel a:1");
  faults.report("sentinel a:1", refused);
  faults.report("sentinel b:1", refused);
  expect(lines).toHaveLength(3);
  faults.clear();
  faults.report("sentinel b:1", refused);
  expect(lines).toHaveLength(4);
  expect(faults.last).toBe("connect ECONNREFUSED");
});
