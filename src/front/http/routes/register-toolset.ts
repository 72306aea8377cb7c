import { Type } from "typebox";
import { memberOf } from "../../../json/json-slices.js";
import { route } from "../route.js";
import { count } from "../schemas/query-schemas.js";
import {
  contractOf,
  INCARNATION,
  NEW_CONTRACT,
  PROVIDER_ID,
  REGISTERED,
  registeredOf,
} from "../schemas/registration-schemas.js";

const OPTIONS = Type.Object(
  {
    replace: Type.Optional(
      Type.Boolean({
        description: "Takes another contract whose version is not higher: a rollback, or a change in place.",
      }),
    ),
    activateAt: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: "The share of the active epoch's room at which a candidate takes over; 0 for 0.5.",
      }),
    ),
    maxBacklog: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 0xffff_ffff,
        description: "The most unfinished calls of the epoch; 0 for the registry's default.",
      }),
    ),
    retentionMs: Type.Optional(
      count("How long the toolset stays listed without a provider, in milliseconds; 0 for the registry's default."),
    ),
    retireAfterMs: Type.Optional(
      count("How long a retiring epoch's providers may go on, in milliseconds; 0 for the registry's default."),
    ),
    skipInvalid: Type.Optional(
      Type.Boolean({
        description: "Leaves out tools whose schemas are invalid, and says which, instead of refusing all.",
      }),
    ),
  },
  { additionalProperties: false },
);

export const REGISTER_TOOLSET = route({
  method: "POST",
  path: "/v1/toolsets",
  rpc: "Registry/Register",
  operationId: "registerToolset",
  summary:
    "Registers a contract, or joins the epoch that has it, and gives the provider a lease. Its calls come by the session of gRPC alone.",
  tag: "toolsets",
  body: Type.Object(
    {
      contract: NEW_CONTRACT,
      providerId: PROVIDER_ID,
      incarnation: INCARNATION,
      options: Type.Optional(OPTIONS),
    },
    { additionalProperties: false, $id: "NewRegistration" },
  ),
  answers: { 201: { description: "It is registered.", schema: REGISTERED } },
  async handle({ json: { contract, providerId, incarnation, options = {} }, body, ask }) {
    const { replace = false, activateAt = 0, maxBacklog = 0, skipInvalid = false } = options;
    const { retentionMs = 0, retireAfterMs = 0 } = options;
    const registered = await ask.unary("Registry/Register", {
      contract: contractOf(contract, memberOf(body, "contract") ?? Buffer.alloc(0)),
      ...{ providerId, incarnation },
      options: { replace, activateAt, maxBacklog, skipInvalid, retentionMs, retireAfterMs },
    });
    return { status: 201, body: registeredOf(registered) };
  },
});
