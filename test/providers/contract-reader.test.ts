import { expect, test } from "vitest";
import type { Contract__Output } from "../../src/protocol/generated/toolgate/v1/Contract.js";
import { ContractReader } from "../../src/providers/contract-reader.js";
import type { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const LIMITS = { maxContractBytes: 1_048_576, maxSchemaBytes: 65_536 };

function wireOf(version: string): Contract__Output {
  const tool = { name: "sum", title: "", description: "", tags: [], annotations: null, delivery: "DELIVERY_ONCE" };
  const schemas = {
    payloadSchemaJson: Buffer.from("{}"),
    resultSchemaJson: Buffer.alloc(0),
    metaJson: Buffer.alloc(0),
  };
  const own = { name: "math", version, title: "", description: "", tags: [], assertFormats: false };
  return { ...own, tools: [{ ...tool, ...schemas, timeoutMs: 0 }] } as unknown as Contract__Output; // what a decoder gives
}

/** A reader, and how often schemas were inspected. */
function scene({ fails = 0 } = {}) {
  const admitted: string[] = [];
  const validators = {
    async admit({ digest }: { readonly digest: string }) {
      admitted.push(digest);
      if (admitted.length <= fails) throw new Error("the machine is too busy");
      return { warnings: [] };
    },
  } as unknown as ValidatorCache; // as far as it is used
  return { reader: new ContractReader(validators, LIMITS), admitted };
}

test("what thousands of replicas send alike is read and inspected once", async () => {
  const { reader, admitted } = scene();
  const first = Array.from({ length: 1_000 }, () => reader.read(wireOf("1.0.0"), false, { client: "any" }));
  const [one, ...others] = await Promise.all(first);
  for (const other of others) expect(other).toBe(one);
  expect(await reader.read(wireOf("1.0.0"), false, { client: "other" })).toBe(one);
  expect(reader.count).toBe(1);
  expect(admitted).toEqual([one?.sealed.digest]);
  expect((await reader.read(wireOf("1.0.1"), false, { client: "any" })).sealed.contract.version).toBe("1.0.1");
  expect(reader.count).toBe(2);
});

test("a contract that was refused is read again, as its faults may have been the machine's", async () => {
  const { reader, admitted } = scene({ fails: 1 });
  await expect(reader.read(wireOf("1.0.0"), false, { client: "any" })).rejects.toThrow("too busy");
  await reader.read(wireOf("1.0.0"), false, { client: "any" });
  expect(admitted).toHaveLength(2);
  await expect(reader.read(wireOf("one"), false, { client: "any" })).rejects.toMatchObject({
    reason: "INVALID_CONTRACT",
  });
});

test("one that leaves does not take the reading from the others", async () => {
  const { reader } = scene();
  const leaving = new AbortController();
  const left = reader.read(wireOf("1.0.0"), false, { client: "any", signal: leaving.signal });
  const stays = reader.read(wireOf("1.0.0"), false, { client: "any", signal: new AbortController().signal });
  leaving.abort(new Error("it left"));
  await expect(left).rejects.toThrow("it left");
  expect((await stays).sealed.contract.name).toBe("math");
});
