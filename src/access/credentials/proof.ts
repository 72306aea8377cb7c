import type { Principal } from "../../identity/principal.js";

/** What a credential that holds says of its caller. */
export interface Proof {
  readonly principal: Principal;
  /** The credential's id, as audit and revocations name it. */
  readonly credential: string;
  /** When the credential expires, in Unix milliseconds by Redis's clock; infinite for never. */
  readonly expiresAtMs: number;
}

/**
 * Why a credential does not hold: for logs, never for its sender, and without anything of the credential.
 *
 *   malformed  it is none, or a character of it was changed
 *   unknown    no such credential: it never was, was removed, or its secret is wrong
 *   ambiguous  it stands for more than one principal, and so for none
 *   expired    it held once
 *   disabled   its principal or its tenant is disabled, or is not there
 *   revoked    it is on the deny list
 *   untrusted  nobody who is trusted has signed it, or not for this registry
 *   failed     finding out has failed
 */
export type Fault = "malformed" | "unknown" | "ambiguous" | "expired" | "disabled" | "revoked" | "untrusted" | "failed";

/** What became of a look at a credential. */
export type Verdict = { readonly kind: "proof"; readonly proof: Proof } | Refusal;

/** A credential that does not hold. */
export interface Refusal {
  readonly kind: "refused";
  readonly fault: Fault;
  /** The id of the credential, where it has one that is no secret. */
  readonly credential?: string;
}

/** A refusal as a value. */
export function refused(fault: Fault, credential?: string): Refusal {
  return { kind: "refused", fault, ...(credential === undefined ? {} : { credential }) };
}

/** Whether two principals are the same and may do the same. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return (
    a.tenant === b.tenant &&
    a.id === b.id &&
    a.kind === b.kind &&
    a.roles.length === b.roles.length &&
    a.roles.every((role, index) => role === b.roles[index]) &&
    sameAttributes(a.attributes, b.attributes)
  );
}

function sameAttributes(a: Principal["attributes"], b: Principal["attributes"]): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
