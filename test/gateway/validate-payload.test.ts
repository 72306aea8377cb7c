import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EpochView } from "../../src/catalog/toolset-view.js";
import { PayloadChecks } from "../../src/gateway/validate-payload.js";
import type { Json } from "../../src/json/json.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { DOUBLES_WITH_DEPTH, nested, wideSchema } from "../schemas/hostile-schemas.js";
import { jsonText } from "../schemas/json-text.js";
import { sealTools } from "../schemas/seal.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

let validators: ValidatorCache;
beforeEach(() => {
  validators = new ValidatorCache({ maxContracts: 10, validateCpuMs: 200 });
});
afterEach(() => validators.stop());

test("a caller whose own deadline comes before a verdict hears before it that there is none", async () => {
  const { contract, digest } = sealTools({ tool: { payload: wideSchema(500) } });
  const epoch: Pick<EpochView, "toolset" | "digest" | "contract"> = {
    toolset: contract.name,
    digest,
    contract: () => contract,
  };
  const [tool] = contract.tools;
  if (tool === undefined) throw new Error("It has one.");
  const checks = new PayloadChecks(validators);
  const check = (answerWithinMs: number | undefined, presence = new AbortController()) =>
    checks.check(epoch as EpochView, tool, jsonText({}), { share: "peer", answerWithinMs, presence, lostNodes: 0 }); // checks ask for nothing else of an epoch
  await expect(check(0)).rejects.toMatchObject({
    reason: "VERDICT_UNAVAILABLE",
    executed: "no",
    retryAfterMs: 1_000,
    message: 'the payload for "tools" tool "tool" could not be checked: there was no time left to check it',
  });
  expect(await checks.accepts(epoch as EpochView, tool, jsonText({}))).toBe(true); // as above
  expect(await check(undefined)).toBeUndefined();
  const left = new AbortController();
  left.abort();
  await expect(check(undefined, left)).rejects.toMatchObject({ message: expect.stringContaining("nothing waits") });
});

describe("a call that nodes were lost with", () => {
  const { contract, digest } = sealTools({
    plain: { payload: { type: "object" } },
    doubles: { payload: DOUBLES_WITH_DEPTH },
  });
  const epoch = { toolset: contract.name, digest, contract: () => contract } as unknown as EpochView; // checks ask for nothing else
  const check = (name: string, value: Json, lostNodes: number) => {
    const tool = contract.tools.find((each) => each.name === name);
    if (tool === undefined) throw new Error("There is none.");
    const caller = { share: "peer", answerWithinMs: undefined, presence: new AbortController(), lostNodes };
    return new PayloadChecks(validators).check(epoch, tool, jsonText(value), caller);
  };

  test("has its payload checked by a worker, though it could be checked at once", async () => {
    await check("plain", {}, 0); // compiles its schema
    expect(check("plain", {}, 0)).toBeUndefined();
    const { pooled } = validators.counters;
    const checked = check("plain", {}, 1);
    expect(checked).toBeInstanceOf(Promise);
    await checked;
    await expect(check("plain", 1, 1)).rejects.toMatchObject({ reason: "INVALID_PAYLOAD" });
    expect(validators.counters.pooled - pooled).toBe(2);
  });

  test("is refused for good where the check takes more than it may, and hears why", async () => {
    const message = expect.stringMatching(
      /takes more work .*; a node was lost with this call before, so do not repeat it$/,
    );
    await expect(check("doubles", nested(60), 1)).rejects.toMatchObject({
      ...{ reason: "PAYLOAD_TOO_COSTLY", executed: "no", retryAfterMs: undefined, message },
    });
    await expect(check("doubles", nested(60), 2)).rejects.toThrow("2 nodes were lost");
    const first = await refusalOf(check("doubles", nested(60), 0));
    expect(first).toMatchObject({ reason: "PAYLOAD_TOO_COSTLY" });
    expect(first.message).not.toContain("lost");
  });
});

async function refusalOf(checked: void | Promise<void>): Promise<Error> {
  try {
    await checked;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("It was not refused.");
}
