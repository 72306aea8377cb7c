import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EpochView } from "../../src/catalog/toolset-view.js";
import type { JsonSchema } from "../../src/contract/contract.js";
import { PayloadChecks, readPayload } from "../../src/gateway/validate-payload.js";
import { callerName } from "../../src/identity/caller-name.js";
import type { Epoch } from "../../src/identity/names.js";
import { TextReader } from "../../src/json/text-reader.js";
import { type ProviderAnswer, ResultChecks } from "../../src/providers/check-result.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { makeHead } from "../../src/store/calls/call-record.js";
import { LoopCpu, tellsLoopCpu } from "../schemas/loop-cpu.js";
import { sealTools } from "../schemas/seal.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const MIB = 1_048_576;
/** The most that one turn of the loop may take, in milliseconds of its thread's CPU time. */
const MAX_TURN_MS = 50;
const NOW_MS = 1_764_000_000_000;

const ANY_OBJECTS: JsonSchema = {
  items: { type: ["number", "string", "array", "object"], properties: { id: { type: "number" } } },
};
const sealed = sealTools({
  free: { payload: true, result: true },
  plain: { payload: ANY_OBJECTS, result: ANY_OBJECTS },
});
const { contract, digest } = sealed;
const toolOf = (name: string) => contract.tools.find((tool) => tool.name === name);
const epoch = {
  toolset: contract.name,
  digest,
  contract: () => contract,
  tool: toolOf,
} as Partial<EpochView> as EpochView; // checks ask for nothing else of an epoch

let validators: ValidatorCache;
let payloads: PayloadChecks;
beforeAll(() => {
  validators = new ValidatorCache({ maxContracts: 10 });
  payloads = new PayloadChecks(validators);
});
afterAll(() => validators.stop());

const texts = new TextReader({ monotonicMs: () => performance.now() });
const caller = { share: "peer", answerWithinMs: undefined, presence: new AbortController(), lostNodes: 0 };

/** What a node does with a payload up to its admission. */
async function takePayload(tool: string, bytes: Buffer): Promise<void> {
  const read = await readPayload(texts, bytes, 32 * MIB, caller);
  const contractTool = toolOf(tool);
  if (contractTool !== undefined) await payloads.check(epoch, contractTool, read, caller);
}

/** What a node does with a result, or with an error's details, up to the call's end. */
async function takeResult(tool: string, bytes: Buffer, kind: "result" | "error"): Promise<string> {
  const checks = new ResultChecks({ validators, texts, maxResultBytes: 8 * MIB, clock: { nowMs: () => NOW_MS } });
  const fixed = { toolset: contract.name, tool: "free" as never, epoch: 1 as Epoch, digest, delivery: "once" } as const;
  const times = { deadlineMs: NOW_MS + 60_000, retentionMs: 1, admittedMs: NOW_MS };
  const head = makeHead({ ...fixed, ...times, caller: callerName({ tenant: "t", id: "s" }) }).text;
  const answer: ProviderAnswer =
    kind === "error"
      ? { kind, reason: "", message: "", details: bytes, outcomeUnknown: false }
      : { kind, json: bytes, lostNodes: 0 };
  const read = await checks.read(answer, () => ({ client: "peer", holdsItsStream: true }));
  const end = await checks.check(epoch, tool, head, answer, read, "peer");
  return end.unchecked ?? end.kind;
}

/** An array of a value, again and again. */
const filled = (bytes: number, unit: string): string =>
  `[${Array.from({ length: Math.floor((bytes - 2) / (unit.length + 1)) }, () => unit).join(",")}]`;
/** Objects with a number in each. */
function objects(bytes: number): string {
  const rows: string[] = [];
  for (let length = 2; length < bytes - 40; length += (rows.at(-1) ?? "").length + 1)
    rows.push(`{"id":${rows.length},"name":"n"}`);
  return `[${rows.join(",")}]`;
}

const SHAPES: readonly [string, (bytes: number) => string][] = [
  ["small numbers", (bytes) => filled(bytes, "1")],
  ["numbers with exponents", (bytes) => filled(bytes, "12.5e3")],
  ["short strings", (bytes) => filled(bytes, '"abcd"')],
  ["objects", objects],
  ["deep nesting", (bytes) => filled(Math.min(bytes, 700_000), `${"[".repeat(62)}${"]".repeat(62)}`)],
  ["one long string", (bytes) => `["${"a".repeat(bytes - 4)}"]`],
  ["one long string of wide characters", (bytes) => `["${"é".repeat((bytes - 4) / 2)}"]`],
  [
    "as many keys as may be",
    (bytes) => `{${Array.from({ length: Math.min(80_000, bytes / 16) }, (_, i) => `"k${i}":1`).join(",")}}`,
  ],
];
/** The longest only where nothing judges it: a worker would take seconds, and this thread no more than to copy it. */
const SIZES = [
  [MIB / 4, ["free", "plain"]],
  [MIB, ["free", "plain"]],
  [8 * MIB, ["free"]],
] as const;

describe.runIf(tellsLoopCpu)("no turn of the event loop is long", () => {
  test.each(SHAPES)("for a payload or a result of %s, whatever its length", async (_what, shape) => {
    for (const [size, tools] of SIZES) {
      const bytes = Buffer.from(shape(size));
      for (const tool of tools) {
        await takePayload(tool, Buffer.from('["compiled"]'));
        const payloadMs = await new LoopCpu().longestTurnMs(() => takePayload(tool, bytes));
        expect(payloadMs, `payload for ${tool}, ${size} bytes`).toBeLessThan(MAX_TURN_MS);
        let kind = "";
        const resultMs = await new LoopCpu().longestTurnMs(async () => {
          kind = await takeResult(tool, bytes, "result");
        });
        expect(kind).toBe("result");
        expect(resultMs, `result of ${tool}, ${size} bytes`).toBeLessThan(MAX_TURN_MS);
      }
      const detailsMs = await new LoopCpu().longestTurnMs(async () => {
        await takeResult("free", bytes, "error");
      });
      expect(detailsMs, `details, ${size} bytes`).toBeLessThan(MAX_TURN_MS);
    }
  });

  test.each([
    ["a key that comes twice", `{"a":${filled(32 * MIB - 20, "1")},"a":1}`],
    ["a number out of range", `[${filled(32 * MIB - 20, '""')},1e999]`],
    ["a text that breaks off", `["${"é".repeat(16 * MIB - 10)}",]`],
  ])("for the longest text that is refused for %s", async (_what, text) => {
    const bytes = Buffer.from(text);
    const turnMs = await new LoopCpu().longestTurnMs(async () => {
      await expect(takePayload("free", bytes)).rejects.toMatchObject({ reason: "MALFORMED_JSON" });
    });
    expect(turnMs).toBeLessThan(MAX_TURN_MS);
  });

  test("for a thousand small payloads that come at once", async () => {
    const small = Buffer.from(objects(16_000));
    await takePayload("plain", small);
    const turnMs = await new LoopCpu().longestTurnMs(async () => {
      await Promise.all(Array.from({ length: 1_000 }, () => takePayload("plain", small)));
    });
    expect(turnMs).toBeLessThan(MAX_TURN_MS);
  });
});
