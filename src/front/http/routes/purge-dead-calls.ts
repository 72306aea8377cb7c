import { Type } from "typebox";
import { invalidField } from "../../../identity/names.js";
import { route } from "../route.js";
import { TOOLSET_PARAM } from "../schemas/query-schemas.js";

export const PURGE_DEAD_CALLS = route({
  method: "POST",
  path: "/v1/dead/:toolset(^[^:]+$)::purge",
  documentedPath: "/v1/dead/{toolset}:purge",
  rpc: "DeadCalls/PurgeDeadCalls",
  operationId: "purgeDeadCalls",
  summary: "Forgets dead calls.",
  tag: "dead calls",
  params: Type.Object({ toolset: TOOLSET_PARAM }),
  body: Type.Object(
    {
      ids: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 1_000, description: "These." }),
      ),
      all: Type.Optional(Type.Literal(true, { description: "All of the toolset." })),
    },
    { additionalProperties: false, $id: "DeadCallsToPurge", description: "Has one of `ids` and `all`." },
  ),
  answers: {
    200: {
      description: "They are forgotten.",
      schema: Type.Object({ purged: Type.Integer({ description: "How many there were." }) }, { $id: "PurgedCalls" }),
    },
  },
  async handle({ params: { toolset }, json: { ids, all }, ask }) {
    // To the RPC, no ids are all: nothing is forgotten because a word was left out.
    if ((ids === undefined) === (all === undefined)) throw invalidField("body", "must have one of ids and all");
    const { purged = 0 } = await ask.unary("DeadCalls/PurgeDeadCalls", { toolset, ids: ids ?? [] });
    return { status: 200, body: { purged } };
  },
});
