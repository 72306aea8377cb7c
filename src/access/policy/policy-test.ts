import type { BodyReader } from "../../documents/body-reader.js";
import { isPlainToolsetName } from "../../identity/names.js";
import type { PrincipalKind } from "../../identity/principal.js";
import { DEFAULT_TENANT, isTenantName } from "../../identity/tenant.js";
import type { Json } from "../../json/json.js";
import { VERBS, type Verb } from "../verbs.js";

/** A case that is kept beside a role's rules: what it is to decide. */
export interface PolicyTestSpec {
  /** Who asks, with this role alone; anybody where it is not said. */
  readonly as: {
    readonly id: string;
    readonly kind: PrincipalKind;
    readonly attributes: Readonly<Record<string, string>>;
  };
  readonly verb: Verb;
  readonly toolset: string;
  readonly tool: string | undefined;
  /** The tags of the tool, for rules that look at them. */
  readonly tags: readonly string[];
  readonly args: Json | undefined;
  readonly expect: "allow" | "deny";
}

const MAX_TEXT = 256;
const MAX_ATTRIBUTES = 64;

/** Reads a case; what is faulty is noted at its place. */
export function readPolicyTest(reader: BodyReader, value: unknown, place: string): PolicyTestSpec {
  const members = ["as", "verb", "toolset", "tool", "tags", "args", "expect"] as const;
  const { as, verb, toolset, tool, tags, args, expect } = reader.object(value, place, members);
  return {
    as: readCaller(reader, as, `${place}/as`),
    verb: reader.word(verb, `${place}/verb`, VERBS) ?? "call",
    toolset: readToolset(reader, toolset, `${place}/toolset`),
    tool: tool === undefined ? undefined : reader.text(tool, `${place}/tool`, MAX_TEXT),
    tags: tags === undefined ? [] : reader.texts(tags, `${place}/tags`, { most: MAX_ATTRIBUTES }, MAX_TEXT),
    args: args as Json | undefined, // a part of what was parsed as JSON
    expect: reader.word(expect, `${place}/expect`, ["allow", "deny"]) ?? "deny",
  };
}

/** A toolset, as a caller of the role's tenant names it. */
function readToolset(reader: BodyReader, value: unknown, place: string): string {
  const text = reader.text(value, place, MAX_TEXT);
  const [tenant, name, ...more] = text.includes("/") ? text.split("/") : [DEFAULT_TENANT, text];
  if (more.length > 0 || !isTenantName(tenant ?? "") || !isPlainToolsetName(name ?? ""))
    reader.add(place, "must be a toolset's name, or tenant/name");
  return text;
}

function readCaller(reader: BodyReader, value: unknown, place: string): PolicyTestSpec["as"] {
  if (value === undefined) return { id: "anybody", kind: "key", attributes: {} };
  const { id, kind, attributes } = reader.object(value, place, ["id", "kind", "attributes"]);
  return {
    id: id === undefined ? "anybody" : reader.text(id, `${place}/id`, MAX_TEXT),
    kind: kind === undefined ? "key" : (reader.word(kind, `${place}/kind`, KINDS) ?? "key"),
    attributes: attributes === undefined ? {} : readAttributes(reader, attributes, `${place}/attributes`),
  };
}

const KINDS = ["key", "user", "token", "certificate"] as const;

/** Reads what a credential says of its principal besides: texts by name. */
export function readAttributes(reader: BodyReader, value: unknown, place: string): Readonly<Record<string, string>> {
  const entries = reader.entries(value, place);
  if (entries.length > MAX_ATTRIBUTES) reader.add(place, `must have at most ${MAX_ATTRIBUTES} members`);
  return Object.fromEntries(
    entries.slice(0, MAX_ATTRIBUTES).map(([name, text]) => {
      return [reader.text(name, place, MAX_TEXT), reader.text(text, `${place}/${name}`, MAX_TEXT)];
    }),
  );
}
