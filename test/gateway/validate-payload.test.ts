import { afterEach, expect, test } from "vitest";
import type { EpochView } from "../../src/catalog/toolset-view.js";
import { PayloadChecks } from "../../src/gateway/validate-payload.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { wideSchema } from "../schemas/hostile-schemas.js";
import { jsonText } from "../schemas/json-text.js";
import { sealTools } from "../schemas/seal.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const validators = new ValidatorCache({ maxContracts: 1 });
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
  const check = (withinMs: number | undefined) => checks.check(epoch as EpochView, tool, jsonText({}), withinMs); // checks ask for nothing else of an epoch
  await expect(check(0)).rejects.toMatchObject({
    reason: "VERDICT_UNAVAILABLE",
    executed: "no",
    retryAfterMs: 1_000,
    message: 'the payload for "tools" tool "tool" could not be checked: there was no time left to check it',
  });
  expect(await checks.accepts(epoch as EpochView, tool, jsonText({}))).toBe(true); // as above
  expect(await check(undefined)).toBeUndefined();
});
