import { fromJSON } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { ToolgateError, type Violation } from "../../src/errors/toolgate-error.js";
import { loadProtocol, MESSAGE_FORM } from "../../src/protocol/load.js";
import { UnknownEnums } from "../../src/protocol/unknown-enums.js";

const field = (type: string, id: number, rule?: string) => ({ type, id, ...(rule === undefined ? {} : { rule }) });
const definition = fromJSON(
  JSON.parse(
    JSON.stringify({
      nested: {
        p: {
          nested: {
            Colour: { values: { NONE: 0, RED: 1 } },
            Plain: { fields: { text: field("string", 1) } },
            Leaf: { fields: { firstColour: field("Colour", 1), more: field("Colour", 2, "repeated") } },
            Tree: {
              fields: {
                plain: field("Plain", 1),
                leafNode: field("Leaf", 2),
                leaves: field("Leaf", 3, "repeated"),
                tree: field("Tree", 4),
              },
            },
          },
        },
      },
    }),
  ),
  MESSAGE_FORM,
);

function violations(type: string, message: object): readonly Violation[] {
  const { serialize, deserialize } = definition[`p.${type}`] as unknown as {
    serialize(message: object): Buffer;
    deserialize(bytes: Buffer): object;
  }; // a message's definition
  try {
    new UnknownEnums(definition, "p").checkOf(type)?.(deserialize(serialize(message)));
    return [];
  } catch (error) {
    if (error instanceof ToolgateError && error.reason === "INVALID_REQUEST") return error.violations;
    throw error;
  }
}

describe("unknown numbers of enums", () => {
  test("are named wherever they stand, as the proto file names the fields", () => {
    const message = {
      leafNode: { firstColour: 7, more: [1, 8, 0, -1] },
      leaves: [{ firstColour: "RED" }, { firstColour: 2 }],
      tree: { tree: { leafNode: { firstColour: 9 } } },
    };
    expect(violations("Tree", message).map(({ field }) => field)).toEqual([
      "leaf_node.first_colour",
      "leaf_node.more[1]",
      "leaf_node.more[3]",
      "leaves[1].first_colour",
      "tree.tree.leaf_node.first_colour",
    ]);
    expect(violations("Leaf", { firstColour: 7 })).toEqual([
      { field: "first_colour", description: "must be a value of p.Colour that this node knows" },
    ]);
  });

  test("of a large message are eight at most", () => {
    expect(violations("Leaf", { more: Array.from({ length: 100_000 }, () => 5) })).toHaveLength(8);
  });

  test("are none where all are known or absent", () => {
    expect(violations("Tree", {})).toEqual([]);
    expect(violations("Tree", { leafNode: { firstColour: 1, more: [0, 1] }, tree: { tree: {} } })).toEqual([]);
  });

  test("are not looked for in messages that lead to no enum", () => {
    expect(new UnknownEnums(definition, "p").checkOf("Plain")).toBeUndefined();
  });

  test("are looked for in each request of the contract that leads to an enum", () => {
    const { unknownEnums, ...protocol } = loadProtocol();
    const services = [protocol.Registry, protocol.Catalog, protocol.Gateway, protocol.DeadCalls];
    const paths = services.flatMap(({ service }) => Object.values(service).map(({ path }) => path));
    expect(paths.filter((path) => unknownEnums.checkOfMethod(path) !== undefined)).toEqual([
      "/toolgate.v1.Registry/Register",
      "/toolgate.v1.Catalog/ListToolsets",
      "/toolgate.v1.Catalog/Search",
      "/toolgate.v1.Gateway/CallTool",
      "/toolgate.v1.Gateway/Invoke",
      "/toolgate.v1.Gateway/ListCalls",
      "/toolgate.v1.Gateway/Session",
    ]);
    expect(unknownEnums.checkOfMethod("/grpc.health.v1.Health/Check")).toBeUndefined();
  });
});
