import { route } from "../route.js";
import { LEASE_BODY } from "../schemas/registration-schemas.js";

export const RELEASE_LEASE = route({
  method: "POST",
  path: "/v1/leases::release",
  documentedPath: "/v1/leases:release",
  rpc: "Registry/Release",
  operationId: "releaseLease",
  summary: "Gives a lease back. May be repeated: a lease that is gone is no error.",
  tag: "toolsets",
  body: LEASE_BODY,
  answers: { 204: { description: "The lease is gone." } },
  async handle({ json: { lease }, ask }) {
    await ask.unary("Registry/Release", { lease });
    return { status: 204 };
  },
});
