import { fromJSON, type MessageTypeDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { Encoders } from "../../src/protocol/encoders.js";
import { loadProtocol, MESSAGE_FORM } from "../../src/protocol/load.js";
import { WideIntegers } from "../../src/protocol/wide-integers.js";

const field = (type: string, id: number, rule?: string) => ({ type, id, ...(rule === undefined ? {} : { rule }) });
const JSON_DEFINITION = {
  nested: {
    p: {
      nested: {
        Plain: { fields: { text: field("string", 1), small: field("uint32", 2) } },
        Leaf: { fields: { unsigned: field("uint64", 1), more: field("int64", 2, "repeated") } },
        Tree: { fields: { plain: field("Plain", 1), leaves: field("Leaf", 2, "repeated"), tree: field("Tree", 3) } },
      },
    },
  },
};
const definition = (longs: typeof Number | typeof String) =>
  fromJSON(JSON.parse(JSON.stringify(JSON_DEFINITION)), { ...MESSAGE_FORM, longs });

const decoder = (longs: typeof Number | typeof String, type: string) =>
  (definition(longs)[`p.${type}`] as MessageTypeDefinition<object, object>).deserialize;

let secondDecodings = 0;
function decode(type: string, bytes: Buffer): unknown {
  const texts = decoder(String, type);
  const counted = (all: Buffer) => {
    secondDecodings++;
    return texts(all);
  };
  return new WideIntegers(definition(Number), "p").exactly(type, decoder(Number, type), counted)(bytes);
}
const encode = (type: string, message: object) => new Encoders(definition(Number), "p").of(type)(message);

describe("an integer of 64 bits", () => {
  test.each([0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])(
    "%s is encoded and decoded exactly",
    (unsigned) => {
      const bytes = encode("Leaf", { unsigned });
      expect(decode("Leaf", bytes)).toEqual({
        unsigned: unsigned < 2n ** 53n ? Number(unsigned) : unsigned,
        more: [],
      });
    },
  );

  test("with a sign too, in lists and wherever a message holds it", () => {
    const tree = { tree: { leaves: [{ unsigned: 3 }, { more: [-1, -(2n ** 53n) - 1n, -(2n ** 63n), 7] }] } };
    expect(decode("Tree", encode("Tree", tree))).toMatchObject({
      tree: { leaves: [{ unsigned: 3 }, { more: [-1, -(2n ** 53n) - 1n, -(2n ** 63n), 7] }] },
    });
  });

  test("costs nothing where numbers hold all of them", () => {
    secondDecodings = 0;
    decode("Tree", encode("Tree", { leaves: [{ unsigned: 2 ** 53 - 1, more: [-5] }] }));
    expect(secondDecodings).toBe(0);
    const plain = decoder(Number, "Plain");
    expect(new WideIntegers(definition(Number), "p").exactly("Plain", plain, plain)).toBe(plain);
  });
});

test("every request of the wire contract is decoded exactly", () => {
  const { Registry, Gateway } = loadProtocol();
  const ref = 2n ** 64n - 1n;
  const frame = { calls: [{ ref: ref as unknown as number }], cancels: [{ ref: 5 }] }; // what the generated types do not say
  const { requestSerialize, requestDeserialize } = Gateway.service.Session;
  expect(requestDeserialize(requestSerialize(frame))).toMatchObject({ calls: [{ ref }], cancels: [{ ref: 5 }] });
  const { Renew } = Registry.service;
  const renewal = { lease: { epoch: ref as unknown as number } };
  expect(Renew.requestDeserialize(Renew.requestSerialize(renewal))).toMatchObject({ lease: { epoch: ref } });
});
