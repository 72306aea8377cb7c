import { Type } from "typebox";
import { route } from "../route.js";
import { LEASE_BODY } from "../schemas/registration-schemas.js";
import { wordOf } from "../schemas/words.js";

export const PONG = route({
  method: "POST",
  path: "/v1/leases::pong",
  documentedPath: "/v1/leases:pong",
  rpc: "Registry/Pong",
  operationId: "pong",
  summary: "Answers the epoch's ping outside of a session: its toolset is healthy for as long as pongs come.",
  tag: "toolsets",
  body: LEASE_BODY,
  answers: {
    200: {
      description: "It is noted.",
      schema: Type.Object(
        { state: Type.String({ description: "`active`, `candidate` or `retiring`; others may be added." }) },
        { $id: "Pong" },
      ),
    },
  },
  async handle({ json: { lease }, ask }) {
    const { state } = await ask.unary("Registry/Pong", { lease });
    return { status: 200, body: { state: wordOf("EPOCH_STATE_", state) } };
  },
});
