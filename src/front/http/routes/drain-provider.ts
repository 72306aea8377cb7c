import { route } from "../route.js";
import { LEASE_BODY } from "../schemas/registration-schemas.js";

export const DRAIN_PROVIDER = route({
  method: "POST",
  path: "/v1/leases::drain",
  documentedPath: "/v1/leases:drain",
  rpc: "Registry/Drain",
  operationId: "drainProvider",
  summary: "Takes a provider out of routing; what it has in hand goes on.",
  tag: "toolsets",
  body: LEASE_BODY,
  answers: { 204: { description: "It gets no more calls." } },
  async handle({ json: { lease }, ask }) {
    await ask.unary("Registry/Drain", { lease });
    return { status: 204 };
  },
});
