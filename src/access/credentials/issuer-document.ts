import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { DEFAULT_TENANT } from "../../identity/tenant.js";
import { readRoles } from "./principal-members.js";

/** Algorithms by which tokens may be signed: with a public key no signature can be made. */
export const TOKEN_ALGORITHMS = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const),
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** Someone whose tokens are believed: they stand for principals of the document's tenant. */
export interface IssuerSpec {
  /** The `iss` of its tokens, to the character. */
  readonly issuer: string;
  /** One of these must be among the token's `aud`. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  /** What a token's `typ` may be, in lower case; one without is a `jwt`. */
  readonly types: readonly string[];
  /** Where its keys are; undefined to ask its OpenID configuration. */
  readonly jwksUri: string | undefined;
  readonly claims: {
    /** The claim that tells principals apart. */
    readonly id: string;
    /** The claim that has the tenant; undefined for the document's own. Only in the default tenant. */
    readonly tenant: string | undefined;
    /** The claim that has what `roles` maps: a list, or a text with spaces. */
    readonly roles: string | undefined;
  };
  /** A value of the claim → roles. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** What every token gives. */
  readonly defaultRoles: readonly string[];
  /** How far the issuer's clock may differ, in milliseconds. */
  readonly clockSkewMs: number;
}

const MEMBERS = [
  ...(["issuer", "audiences", "algorithms", "types", "jwksUri", "claims"] as const),
  ...(["roles", "defaultRoles", "clockSkewMs"] as const),
] as const;
const DEFAULT_TYPES = ["at+jwt", "jwt"];
const DEFAULT_SKEW_MS = 10_000;
const MAX_SKEW_MS = 60_000;
const MAX_MAPPED = 256;
const MAX_TEXT = 512;

/** Issuers of tokens. */
export const ISSUER: DocumentKind<IssuerSpec> = {
  kind: "issuer",
  parse(body, ref) {
    const reader = new BodyReader();
    const members = reader.object(body, "", MEMBERS);
    const { id, tenant, roles } = reader.object(members.claims ?? {}, "/claims", ["id", "tenant", "roles"]);
    const claim = (value: unknown, pointer: string): string | undefined =>
      value === undefined ? undefined : reader.text(value, pointer, MAX_TEXT);
    const texts = (value: unknown, pointer: string): string[] =>
      reader.texts(value, pointer, { least: 1, most: 16 }, MAX_TEXT);
    const spec: IssuerSpec = {
      issuer: readUrl(reader, members.issuer, "/issuer"),
      audiences: texts(members.audiences, "/audiences"),
      algorithms: reader
        .list(members.algorithms, "/algorithms", { least: 1, most: TOKEN_ALGORITHMS.length })
        .map(([one, place]) => reader.word(one, place, TOKEN_ALGORITHMS))
        .filter((one) => one !== undefined),
      types: members.types === undefined ? DEFAULT_TYPES : texts(members.types, "/types").map(plainType),
      jwksUri: members.jwksUri === undefined ? undefined : readUrl(reader, members.jwksUri, "/jwksUri"),
      claims: {
        id: claim(id, "/claims/id") ?? "sub",
        tenant: claim(tenant, "/claims/tenant"),
        roles: claim(roles, "/claims/roles"),
      },
      roles: readMapping(reader, members.roles),
      defaultRoles: members.defaultRoles === undefined ? [] : readRoles(reader, members.defaultRoles, "/defaultRoles"),
      clockSkewMs:
        members.clockSkewMs === undefined
          ? DEFAULT_SKEW_MS
          : reader.integer(members.clockSkewMs, "/clockSkewMs", 0, MAX_SKEW_MS),
    };
    if (tenant !== undefined && ref.tenant !== DEFAULT_TENANT) {
      reader.add("/claims/tenant", `may only be said in the tenant "${DEFAULT_TENANT}": others speak for themselves`);
    }
    if (spec.roles.size > 0 && spec.claims.roles === undefined) {
      reader.add("/claims/roles", "must name the claim that /roles maps");
    }
    reader.throwIfAny(ref);
    return spec;
  },
};

/** A `typ` as it is compared: RFC 7515 has it without `application/`, in any case. */
export function plainType(type: string): string {
  return type.toLowerCase().replace(/^application\//, "");
}

/** What it resolves to is looked at when it is fetched. */
function readUrl(reader: BodyReader, value: unknown, pointer: string): string {
  const text = reader.text(value, pointer, MAX_TEXT);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const odd = url === undefined || url.username !== "" || url.password !== "" || url.hash !== "";
  if (odd || (url.protocol !== "https:" && url.protocol !== "http:")) {
    reader.add(pointer, "must be an https URL without user, password and fragment");
  }
  return text;
}

function readMapping(reader: BodyReader, value: unknown): ReadonlyMap<string, readonly string[]> {
  const mapping = new Map<string, readonly string[]>();
  if (value === undefined) return mapping;
  const entries = reader.entries(value, "/roles");
  if (entries.length > MAX_MAPPED) reader.add("/roles", `must have at most ${MAX_MAPPED} members`);
  for (const [claimed, roles] of entries.slice(0, MAX_MAPPED)) {
    mapping.set(claimed, readRoles(reader, roles, `/roles/${claimed.slice(0, 64)}`));
  }
  return mapping;
}
