import { ToolgateError } from "../errors/toolgate-error.js";

/**
 * The identities of the domain, branded. A string from outside becomes one here, once, or is refused; inside, a string
 * without a brand is not an identity.
 */
declare const brand: unique symbol;
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * A toolset's identity: its plain name in the default tenant, `tenant/name` in another one. Keys, records and the catalogue know toolsets
 * by it; what callers write and read depends on their tenant: see toolset-name.ts.
 */
export type ToolsetName = Branded<string, "ToolsetName">;
/** A toolset's name within its tenant, as its contract has it: also its identity, where that is the default tenant. */
export type PlainToolsetName = ToolsetName & { readonly plain: typeof brand };
/** A tool's name within its toolset; identity is the pair, never a joined string. */
export type ToolName = Branded<string, "ToolName">;
/** The generation of a toolset's registration, in [1, 2^53). */
export type Epoch = Branded<number, "Epoch">;
/** Lower-case hexadecimal SHA-256 of a contract. */
export type Digest = Branded<string, "Digest">;
/** A provider's stable name. */
export type ProviderId = Branded<string, "ProviderId">;
/** One start of a provider. */
export type Incarnation = Branded<string, "Incarnation">;
/** One gateway process. */
export type NodeId = Branded<string, "NodeId">;
/** A cluster's name. */
export type RegistryName = Branded<string, "RegistryName">;

const TOOLSET = /^[a-z0-9][a-z0-9._-]{0,127}$/;
const TOOL = /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}$/;
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^[0-9a-f]{64}$/;

function parser<T extends string>(pattern: RegExp): (text: string, field: string) => T {
  return (text, field) => {
    if (!pattern.test(text)) throw invalidField(field, `must match ${pattern.source}`);
    return text as T; // the pattern has just vouched for the brand
  };
}

/** The error for one bad field: the field and the rule, never the value. */
export function invalidField(field: string, description: string): ToolgateError {
  return new ToolgateError("INVALID_REQUEST", `${field} ${description}`, { violations: [{ field, description }] });
}

/** Whether a text is a toolset's plain name. */
export const isPlainToolsetName = (text: string): text is PlainToolsetName => TOOLSET.test(text);
/** Whether a text is a tool's name. */
export const isToolName = (text: string): text is ToolName => TOOL.test(text);

/** A toolset's plain name. What callers name goes through `resolveToolset`. */
export const parseToolsetName = parser<PlainToolsetName>(TOOLSET);
export const parseToolName = parser<ToolName>(TOOL);
export const parseProviderId = parser<ProviderId>(IDENTIFIER);
export const parseIncarnation = parser<Incarnation>(IDENTIFIER);
export const parseNodeId = parser<NodeId>(IDENTIFIER);
export const parseRegistryName = parser<RegistryName>(IDENTIFIER);
export const parseDigest = parser<Digest>(DIGEST);

/** An epoch from the wire or from Redis. */
export function parseEpoch(value: number | string, field: string): Epoch {
  const epoch = typeof value === "number" ? value : /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(epoch) || epoch < 1) throw invalidField(field, "must be a positive integer below 2^53");
  return epoch as Epoch; // checked on the line above
}
