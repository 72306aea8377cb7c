import { Type } from "typebox";
import { memberOf } from "../../../json/json-slices.js";
import { type Answer, type Ask, type Route, route } from "../route.js";

const EXPLANATION = Type.Object(
  {
    gates: Type.Array(
      Type.Object({
        gate: Type.String({
          description: "`policy`, `contract`, `arguments`, `limits`, `health` or `backlog`; others may be added.",
        }),
        verdict: Type.String({ description: "`passed`, `failed`, or `skipped` where there was nothing to judge." }),
        detail: Type.String({ description: "Why." }),
        remedy: Type.String({ description: "What mends it." }),
        reason: Type.String({ description: "The error that the call would get." }),
      }),
      { description: "In the order in which a call passes them." },
    ),
    outcome: Type.String({ description: "The class of the first failure: `ready`, `retry`, `operator` or `unknown`." }),
  },
  { $id: "Explanation" },
);

const PRINCIPAL = Type.Optional(
  Type.String({
    maxLength: 512,
    description:
      "For whom, as an id of the caller's tenant or as `tenant/id`; the caller itself where none is named. Of others administrators may ask.",
  }),
);
const TOOLSET = Type.String({ maxLength: 512 });
const TOOL = Type.String({ maxLength: 512 });

const ALIKE = {
  path: "/v1/explain",
  rpc: "Access/Explain",
  tag: "access",
  answers: { 200: { description: "What would become of the call.", schema: EXPLANATION } },
} as const;

/** Without arguments: what depends on them is left out. */
export const EXPLAIN_BY_QUERY: Route = route({
  ...ALIKE,
  method: "GET",
  operationId: "explainByQuery",
  summary: "Whether a call would be admitted, and if not, where it fails and what mends that.",
  query: Type.Object(
    {
      principal: PRINCIPAL,
      roles: Type.Optional(
        Type.String({
          maxLength: 4_224,
          description: "Roles to ask for instead of the principal's, with commas between them.",
        }),
      ),
      toolset: TOOLSET,
      tool: TOOL,
    },
    { additionalProperties: false },
  ),
  handle: ({ query: { roles, ...query }, ask }) =>
    explained(ask, { ...query, roles: roles === undefined ? [] : roles.split(",").map((role) => role.trim()) }),
});

export const EXPLAIN: Route = route({
  ...ALIKE,
  method: "POST",
  operationId: "explain",
  summary: "Whether a call with these arguments would be admitted, and if not, where it fails and what mends that.",
  body: Type.Object(
    {
      principal: PRINCIPAL,
      roles: Type.Optional(
        Type.Array(Type.String({ maxLength: 128 }), {
          maxItems: 32,
          description: "Roles to ask for instead of the principal's.",
        }),
      ),
      toolset: TOOLSET,
      tool: TOOL,
      payload: Type.Optional(Type.Unknown({ description: "The arguments, judged as they came." })),
    },
    { additionalProperties: false, $id: "CallToExplain" },
  ),
  handle: ({ json: { payload: _, ...call }, body, ask }) => explained(ask, call, memberOf(body, "payload")),
});

interface CallToExplain {
  readonly principal?: string;
  readonly roles?: readonly string[];
  readonly toolset: string;
  readonly tool: string;
}

async function explained(ask: Ask, call: CallToExplain, payload?: Buffer): Promise<Answer> {
  const { principal = "", roles = [], toolset, tool } = call;
  const request = { principal, roles: [...roles], toolset, tool, payloadJson: payload ?? Buffer.alloc(0) };
  const { gates = [], outcome = "" } = await ask.unary("Access/Explain", request);
  const passed = gates.map(({ gate = "", verdict = "", detail = "", remedy = "", reason = "" }) => {
    return { gate, verdict, detail, remedy, reason };
  });
  return { status: 200, body: { gates: passed, outcome } };
}
