import { Type } from "typebox";
import { route } from "../route.js";
import { CALL_IN_HAND, LEASE } from "../schemas/registration-schemas.js";

export const RENEW_LEASE = route({
  method: "POST",
  path: "/v1/leases::renew",
  documentedPath: "/v1/leases:renew",
  rpc: "Registry/Renew",
  operationId: "renewLease",
  summary: "Extends a provider's lease, and the claims of the calls that it has in hand.",
  tag: "toolsets",
  body: Type.Object(
    {
      lease: LEASE,
      maxInFlight: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 10_000,
          description: "The most calls that the provider takes at once; 0 leaves it as it is.",
        }),
      ),
      inHand: Type.Optional(
        Type.Array(CALL_IN_HAND, { maxItems: 10_000, description: "Calls whose claims are extended, too." }),
      ),
    },
    { additionalProperties: false, $id: "LeaseRenewal" },
  ),
  answers: {
    200: {
      description: "It holds on.",
      schema: Type.Object(
        {
          leaseUntilMs: Type.Integer({ description: "When it ends, in Unix milliseconds." }),
          fenced: Type.Array(CALL_IN_HAND, { description: "Calls in hand that are the provider's no longer." }),
        },
        { $id: "RenewedLease" },
      ),
    },
  },
  async handle({ json: { lease, maxInFlight = 0, inHand = [] }, ask }) {
    const { leaseUntilMs = 0, fenced = [] } = await ask.unary("Registry/Renew", { lease, maxInFlight, inHand });
    return {
      status: 200,
      body: {
        leaseUntilMs: Number(leaseUntilMs),
        fenced: fenced.map(({ callId = "", attempt = 0 }) => ({ callId, attempt })),
      },
    };
  },
});
