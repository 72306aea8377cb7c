import type { BodyReader } from "../../documents/body-reader.js";
import { readToolPatterns, readToolsetPatterns } from "../../documents/read-patterns.js";
import { VERBS, type Verb } from "../verbs.js";
import { readCondition } from "./condition.js";
import type { RuleSpec } from "./role-spec.js";

/** Verbs that are about one tool. */
const OF_TOOLS: readonly Verb[] = ["discover", "call"];
/** Verbs that are about a tenant as a whole. */
const OF_TENANTS: readonly Verb[] = ["audit", "administer"];

const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 64;
/** All toolsets of a tenant. */
const WHOLE_TENANT = /^(?:[^/]+\/)?\*$/;

/** Reads a rule; what is faulty is noted at its place. */
export function readRule(reader: BodyReader, value: unknown, place: string): RuleSpec {
  const members = ["effect", "verbs", "toolsets", "tools", "tags", "when"] as const;
  const { effect, verbs, toolsets, tools, tags, when } = reader.object(value, place, members);
  const rule: RuleSpec = {
    effect: effect === undefined ? "allow" : (reader.word(effect, `${place}/effect`, ["allow", "deny"]) ?? "deny"),
    verbs: reader
      .list(verbs, `${place}/verbs`, { least: 1, most: VERBS.length })
      .map(([verb, at]) => reader.word(verb, at, VERBS))
      .filter((verb) => verb !== undefined),
    toolsets: toolsets === undefined ? ["*"] : readToolsetPatterns(reader, toolsets, `${place}/toolsets`),
    tools: tools === undefined ? ["*"] : readToolPatterns(reader, tools, `${place}/tools`),
    tags: tags === undefined ? [] : reader.texts(tags, `${place}/tags`, { most: MAX_TAGS }, MAX_TAG_CHARACTERS),
    when: when === undefined ? undefined : readCondition(reader, when, `${place}/when`),
  };
  checkNarrowing(reader, rule, place);
  return rule;
}

/** A narrower rule than its verbs can be asked about would be one that silently does not apply. */
function checkNarrowing(reader: BodyReader, { verbs, toolsets, tools, tags, when }: RuleSpec, place: string): void {
  const other = verbs.find((verb) => !OF_TOOLS.includes(verb));
  if (other !== undefined && !coversAllTools({ tools }))
    reader.add(`${place}/tools`, `may be narrowed only for discover and call; give "${other}" a rule of its own`);
  // Who registers a toolset writes its tags: they cannot say what it may register.
  if (tags.length > 0 && verbs.includes("register"))
    reader.add(`${place}/tags`, 'may not be given for "register": the provider itself chooses the tags');
  const tenantVerb = verbs.find((verb) => OF_TENANTS.includes(verb));
  if (tenantVerb !== undefined && (tags.length > 0 || !toolsets.every((pattern) => WHOLE_TENANT.test(pattern))))
    reader.add(place, `with "${tenantVerb}" must be about whole tenants: toolsets "*" or "tenant/*", and no tags`);
  if (when !== undefined && verbs.some((verb) => verb !== "call"))
    reader.add(`${place}/when`, 'may be given only for the verb "call": nothing else has arguments');
}

/** Whether a rule is about a toolset as a whole. */
export function coversAllTools({ tools }: Pick<RuleSpec, "tools">): boolean {
  return tools.includes("*");
}
