import { Type } from "typebox";
import { route } from "../route.js";

const bytes = (description: string) => Type.Integer({ description: `${description}, in bytes.` });

const REGISTRY = Type.Object(
  {
    registry: Type.String({ description: "The registry's name: nodes of one name on one Redis are one cluster." }),
    nodeId: Type.String({ description: "The node that answers." }),
    version: Type.String({ description: "The node's version of Toolgate." }),
    limits: Type.Object(
      {
        maxPayloadBytes: bytes("The largest payload"),
        maxResultBytes: bytes("The largest result"),
        maxMessageBytes: bytes("The largest message, and body of a request"),
        maxOutputBytes: bytes("The most output of a call"),
        maxDeltas: Type.Integer({ description: "The most pieces of output of a call." }),
        defaultTimeoutMs: Type.Integer({ description: "How long a call may take where nothing is said." }),
        maxTimeoutMs: Type.Integer({ description: "How long a call may take at most." }),
        maxContractBytes: bytes("The largest contract"),
        maxSchemaBytes: bytes("The largest schema"),
      },
      { description: "What the registry accepts." },
    ),
    nodes: Type.Array(Type.Object({ nodeId: Type.String(), version: Type.String() }), {
      description: "The registry's nodes, as of a few seconds ago.",
    }),
  },
  { $id: "Registry" },
);

export const GET_REGISTRY = route({
  method: "GET",
  path: "/v1/registry",
  rpc: "Catalog/GetRegistry",
  operationId: "getRegistry",
  summary: "The registry: its nodes, their versions, and what it accepts.",
  tag: "toolsets",
  answers: { 200: { description: "The registry.", schema: REGISTRY } },
  async handle({ ask }) {
    const { registry = "", nodeId = "", version = "", limits, nodes = [] } = await ask.unary("Catalog/GetRegistry", {});
    return {
      status: 200,
      body: {
        ...{ registry, nodeId, version },
        limits: {
          maxPayloadBytes: limits?.maxPayloadBytes ?? 0,
          maxResultBytes: limits?.maxResultBytes ?? 0,
          maxMessageBytes: limits?.maxMessageBytes ?? 0,
          maxOutputBytes: Number(limits?.maxOutputBytes ?? 0),
          maxDeltas: limits?.maxDeltas ?? 0,
          defaultTimeoutMs: limits?.defaultTimeoutMs ?? 0,
          maxTimeoutMs: limits?.maxTimeoutMs ?? 0,
          maxContractBytes: limits?.maxContractBytes ?? 0,
          maxSchemaBytes: limits?.maxSchemaBytes ?? 0,
        },
        nodes: nodes.map(({ nodeId: id = "", version: its = "" }) => ({ nodeId: id, version: its })),
      },
    };
  },
});
