import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { Encoders } from "../../src/protocol/encoders.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { SeededRandom } from "../../tools/chaos/seeded-random.js";
import { protoFiles, protoFolder } from "../support/proto-folder.js";

/** The same definitions with proto-loader's own serialisers, which say what is right. */
const reference = loadSync(protoFiles("toolgate/"), {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [protoFolder],
});
const encoders = new Encoders(reference, "toolgate.v1");
const SERVICES = ["Registry", "Catalog", "Gateway", "DeadCalls"] as const;
const methods = SERVICES.flatMap((service) => Object.values(reference[`toolgate.v1.${service}`] as ServiceDefinition));
const messages = methods.flatMap((method) => [
  { type: method.requestType, theirs: method.requestSerialize },
  { type: method.responseType, theirs: method.responseSerialize },
]);
const nameOf = ({ type }: { type: object }): string => (type as { name: string }).name;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly typeName: string;
}

const descriptor = <Kind>(type: string): Kind => reference[`toolgate.v1.${type}`]?.type as Kind;

const chance = new SeededRandom("encoders");

/** Some message of a type, as deep as it goes. */
function someMessage(type: string, depth: number): object {
  const { field = [] } = descriptor<{ field?: Field[] }>(type);
  const message: Record<string, unknown> = {};
  for (const one of field) {
    if ((depth === 0 && one.type === "TYPE_MESSAGE") || chance.chance(0.2)) continue;
    const some = (): unknown => someValue(one, depth);
    if (one.label === "LABEL_REPEATED") message[one.name] = Array.from({ length: chance.integer(0, 3) }, some);
    else message[one.name] = chance.chance(0.1) ? null : some();
  }
  return message;
}

function someValue({ type, typeName }: Field, depth: number): unknown {
  switch (type) {
    case "TYPE_STRING":
      return chance.pick([
        "",
        "a",
        "0.abcdefghijklmnopqrstuv",
        "x".repeat(64),
        "é".repeat(40),
        "y".repeat(130),
        "\u{1f600}z",
      ]);
    case "TYPE_BYTES":
      return Buffer.alloc(chance.pick([0, 1, 60, 127, 128, 20_000]), chance.integer(0, 255));
    case "TYPE_MESSAGE":
      return someMessage(typeName, depth - 1);
    case "TYPE_BOOL":
      return chance.chance(0.5);
    case "TYPE_UINT32":
      return chance.pick([0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 - 1]);
    case "TYPE_UINT64":
      return chance.pick([0, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 1_700_000_000_000, 2 ** 53 - 1]);
    case "TYPE_INT64":
      return chance.pick([0, -1, -(2 ** 31), -(2 ** 32), -(2 ** 53) + 1, 128, 1_700_000_000_000, 2 ** 53 - 1]);
    case "TYPE_DOUBLE":
      return chance.pick([0, -0.5, 1e300, 0.1]);
    case "TYPE_ENUM": {
      const { value } = descriptor<{ value: { name: string; number: number }[] }>(typeName);
      return chance.pick([...value.flatMap(({ name, number }) => [name, number]), "NO_SUCH_NAME"]);
    }
    default:
      throw new Error(`${type} is not made here`);
  }
}

describe("a message", () => {
  test.each(messages.map(({ type, theirs }) => [nameOf(type), theirs] as const))(
    "%s is encoded to the bytes of proto-loader's own serialiser",
    (type, theirs) => {
      const ours = encoders.of(type);
      for (let count = 0; count < 60; count++) {
        const message = someMessage(type, 3);
        expect(ours(message).equals(theirs(message)), JSON.stringify(message)).toBe(true);
      }
    },
  );

  test.each([100, 128, 70_000, 3_000_000])("of %i bytes is encoded, and so is the next one", (size) => {
    const { responseSerialize, responseDeserialize } = loadProtocol().Gateway.service.Session;
    for (const resultJson of [Buffer.alloc(size, 1), Buffer.from("{}"), Buffer.alloc(size, 2)]) {
      const sent = { terminals: [{ ref: 1, terminal: { callId: "c", resultJson } }, { ref: 2 }] };
      const { terminals } = responseDeserialize(responseSerialize(sent));
      expect(terminals.map(({ ref }) => ref)).toEqual([1, 2]);
      expect(terminals[0]?.terminal?.resultJson.equals(resultJson)).toBe(true);
    }
  });

  test("may hold a text that is no valid Unicode, bytes as base64, and nothing", () => {
    const { responseSerialize, responseDeserialize } = loadProtocol().Gateway.service.GetCall;
    const read = responseDeserialize(
      responseSerialize({ handle: { callId: "\ud800" }, terminal: { resultJson: "e30=" } }),
    );
    expect(read.handle?.callId).toBe("\ufffd");
    expect(read.terminal?.resultJson.toString()).toBe("{}");
    expect(responseSerialize({ handle: null }).length).toBe(0);
  });

  test("that cannot be encoded leaves nothing in the next one", () => {
    const { requestSerialize, requestDeserialize } = loadProtocol().Gateway.service.Session;
    const calls = 7 as never; // no list
    expect(() => requestSerialize({ cancels: [{ ref: 9 }], calls })).toThrow(TypeError);
    expect(requestDeserialize(requestSerialize({ cancels: [{ ref: 1 }] })).cancels).toEqual([{ ref: 1 }]);
  });
});
