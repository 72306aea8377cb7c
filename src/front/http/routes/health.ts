import { Type } from "typebox";
import { sessionOf } from "../request-credentials.js";
import { type Route, route } from "../route.js";

const STATUS = Type.Object(
  { status: Type.String({ description: "`ok`, or `unavailable`." }) },
  { $id: "HealthStatus" },
);
const DETAILS = Type.Object(
  {
    status: Type.String(),
    node: Type.Optional(Type.String()),
    version: Type.Optional(Type.String()),
    parts: Type.Optional(
      Type.Record(Type.String(), Type.Boolean(), { description: "What readiness is made of, and whether it holds." }),
    ),
  },
  { $id: "HealthDetails" },
);

const OK = { status: "ok" };
const UNAVAILABLE = { status: "unavailable" };
const ANYBODY = { method: "GET", rpc: "grpc.health.v1.Health/Check", tag: "health" } as const;

/** Whether the process lives: it answers. */
export const LIVEZ: Route = route({
  ...ANYBODY,
  path: "/livez",
  operationId: "livez",
  summary: "Whether the process answers. For liveness probes.",
  answers: { 200: { description: "It does.", schema: STATUS } },
  handle: async () => ({ status: 200, body: OK }),
});

export const READYZ: Route = route({
  ...ANYBODY,
  path: "/readyz",
  operationId: "readyz",
  summary: "Whether the node should be sent requests. For readiness probes and balancers.",
  answers: {
    200: { description: "It should.", schema: STATUS },
    503: { description: "It should not: it is stopping, or cannot reach what it needs.", schema: STATUS },
  },
  handle: async ({ node }) => {
    const { ready } = await node.health();
    return { status: ready ? 200 : 503, body: ready ? OK : UNAVAILABLE };
  },
});

export const HEALTHZ: Route = route({
  ...ANYBODY,
  path: "/healthz",
  operationId: "healthz",
  summary: "How the node is, in parts for those who prove who they are.",
  answers: {
    200: { description: "The node is ready.", schema: DETAILS },
    503: { description: "It is not.", schema: DETAILS },
  },
  async handle({ node, ask, headers }) {
    const { ready, parts } = await node.health();
    const status = ready ? 200 : 503;
    const body = ready ? OK : UNAVAILABLE;
    const proves = headers.authorization !== undefined || sessionOf(headers.cookie) !== undefined;
    if (node.asksWho() && !proves) return { status, body };
    const { nodeId, version } = await ask.unary("Catalog/GetRegistry", {});
    return { status, body: { ...body, node: nodeId, version, parts } };
  },
});
