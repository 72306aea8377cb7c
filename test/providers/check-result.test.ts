import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EpochView } from "../../src/catalog/toolset-view.js";
import { callerName } from "../../src/identity/caller-name.js";
import type { Epoch } from "../../src/identity/names.js";
import type { Json } from "../../src/json/json.js";
import { TextReader } from "../../src/json/text-reader.js";
import { ResultChecks } from "../../src/providers/check-result.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { makeHead } from "../../src/store/calls/call-record.js";
import { wideSchema } from "../schemas/hostile-schemas.js";
import { sealTools } from "../schemas/seal.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const NOW_MS = 1_764_000_000_000;
let validators: ValidatorCache;
beforeEach(() => {
  validators = new ValidatorCache({ maxContracts: 10 });
});
afterEach(() => validators.stop());

const sealed = sealTools({
  cheap: { payload: true, result: { type: "number" } },
  costly: { payload: true, result: wideSchema(500) },
  odd: { payload: true, result: { $async: true } },
  free: { payload: true },
});
const { contract, digest } = sealed;
const epoch = (read: () => typeof contract = () => contract): EpochView =>
  ({
    toolset: contract.name,
    digest,
    contract: read,
    tool: (name: string) => read().tools.find((tool) => tool.name === name),
  }) as Partial<EpochView> as EpochView; // checks ask for nothing else of an epoch

function check(tool: string, result: Json, leftMs = 60_000, of = epoch(), lostNodes = 0) {
  const texts = new TextReader({ monotonicMs: () => 0 });
  const checks = new ResultChecks({ validators, texts, maxResultBytes: 1_000, clock: { nowMs: () => NOW_MS } });
  const found = contract.tools.find(({ name }) => name === tool);
  if (found === undefined) throw new Error(`There is no ${tool}.`);
  const fixed = { toolset: contract.name, tool: found.name, epoch: 1 as Epoch, digest, delivery: "once" } as const;
  const times = { deadlineMs: NOW_MS + leftMs, retentionMs: 1, admittedMs: NOW_MS };
  const head = makeHead({ ...fixed, ...times, caller: callerName({ tenant: "t", id: "s" }) }).text;
  const answer = { kind: "result", json: Buffer.from(JSON.stringify(result)), lostNodes } as const;
  const read = checks.read(answer, () => ({ client: "peer" }));
  if (read instanceof Promise) throw new Error("It is short.");
  return checks.check(of, tool, head, answer, read, "peer");
}

describe("a result", () => {
  test.each(["cheap", "free"])(
    "that fits is the call's end, at once where its schema was used before: %s",
    async (tool) => {
      await check(tool, 1);
      expect(check(tool, 1)).toEqual({ kind: "result", reason: "", body: Buffer.from("1") });
    },
  );

  test("that does not fit is the tool's error", async () => {
    expect(await check("cheap", "1")).toMatchObject({ kind: "tool_error", reason: "INVALID_RESULT" });
  });

  test("on which there is no verdict before the call's deadline is delivered in time, unchecked", async () => {
    const body = Buffer.from("{}");
    const why = "there was no time left to check it";
    for (const leftMs of [0, -5_000]) {
      expect(await check("costly", {}, leftMs)).toEqual({ kind: "result", reason: "", body, unchecked: why });
    }
  });

  test("that was there when a node was lost is checked by a worker, whatever it costs", async () => {
    const again = check("cheap", 1, 60_000, epoch(), 1);
    expect(again).toBeInstanceOf(Promise);
    expect(await again).toEqual(await check("cheap", 1));
  });

  test("whose schema this node cannot use is delivered, unchecked", async () => {
    expect(await check("odd", 1)).toMatchObject({
      kind: "result",
      unchecked: expect.stringContaining("/tools/odd/result_schema"),
    });
  });

  test("whose contract can no longer be read is delivered, unchecked", () => {
    const gone = epoch(() => {
      throw new Error("it cannot be read");
    });
    expect(check("cheap", "anything", 60_000, gone)).toMatchObject({
      kind: "result",
      unchecked: "its contract can no longer be read",
    });
  });

  test("of a node that stops is delivered, unchecked", async () => {
    await validators.stop();
    expect(await check("costly", {})).toMatchObject({ kind: "result", unchecked: "the node is stopping" });
  });
});
