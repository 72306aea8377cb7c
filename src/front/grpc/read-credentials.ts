import type { Metadata } from "@grpc/grpc-js";
import type { Credentials } from "../../access/access-control.js";
import { ToolgateError } from "../../errors/toolgate-error.js";

/** Of a call, all that its caller is told by. */
export interface CredentialCarrier {
  readonly metadata: Metadata;
  getPeer(): string;
}

/**
 * What a call proves its caller by: its `authorization` header, and the certificate of its connection. Nothing else of a call is looked at.
 *
 * @param certificateOf the certificate that a call's connection has proved to have
 * @throws ToolgateError UNAUTHENTICATED where there is more than one header: others could take another one of them than this node
 */
export function readCredentials(
  call: CredentialCarrier,
  certificateOf: (call: object) => Buffer | undefined,
): Credentials {
  const [authorization, ...others] = call.metadata.get("authorization");
  if (others.length > 0) throw new ToolgateError("UNAUTHENTICATED", "There is more than one authorization header.");
  return {
    authorization: authorization === undefined ? undefined : String(authorization),
    certificate: certificateOf(call),
    peer: call.getPeer(),
  };
}

/** Where nobody is asked, nothing is read. */
export const NO_CREDENTIALS: Credentials = Object.freeze({
  authorization: undefined,
  certificate: undefined,
  peer: "",
});
