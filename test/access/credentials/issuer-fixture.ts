import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { MemoryDocuments } from "./memory-documents.js";

export const ISSUER_URL = "https://id.example";
export const AUDIENCE = "toolgate";

/** A signing key of an issuer, and what its key set has of it. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function makeIssuerKey(kid: string, alg = "ES256"): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** What makes a token another one than the usual. */
export interface TokenOptions {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: JWTPayload;
  /** Claims that are left out. */
  readonly without?: readonly string[];
}

/** A token that holds, but for what the options make of it. `nowMs` is the time by the node's clock. */
export async function signToken(key: IssuerKey, nowMs: number, options: TokenOptions = {}): Promise<string> {
  const nowS = Math.floor(nowMs / 1_000);
  const claims: JWTPayload = {
    ...{ iss: ISSUER_URL, aud: AUDIENCE, sub: "ann", iat: nowS, exp: nowS + 300, jti: "one" },
    ...options.claims,
  };
  for (const name of options.without ?? []) delete claims[name];
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: "at+jwt", ...options.header })
    .sign(key.privateKey);
}

/** The document of that issuer, as an administrator writes it. */
export function putIssuer(documents: MemoryDocuments, more: Readonly<Record<string, unknown>> = {}): void {
  documents.put("issuer", "idp", {
    issuer: ISSUER_URL,
    audiences: [AUDIENCE],
    algorithms: ["ES256", "RS256"],
    claims: { roles: "groups" },
    roles: { staff: ["agent"], admins: ["admin", "agent"] },
    ...more,
  });
}
