import { Type } from "typebox";
import type { HealthFilter } from "../../../protocol/generated/toolgate/v1/HealthFilter.js";

/** The parameters of every list that comes in pages. */
export const PAGE_QUERY = {
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "How many a page may have." })),
  pageToken: Type.Optional(Type.String({ maxLength: 4_096, description: "The `nextPageToken` of the page before." })),
};

/** Whose, where a tenant has it. */
export const TENANT = Type.Optional(
  Type.String({ maxLength: 64, description: "The tenant; the caller's own where none is named." }),
);
/** Why something is changed. */
export const REASON = Type.Optional(Type.String({ maxLength: 512, description: "Why, for the history." }));

/** A whole number that no digit of is lost. */
export const count = (description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, description });

/** What lists and searches of toolsets may be narrowed by. */
export const FILTER_QUERY = {
  tags: Type.Optional(
    Type.String({ maxLength: 2_048, description: "Only toolsets with all of these tags, with commas between them." }),
  ),
  health: Type.Optional(
    Type.Union([Type.Literal("healthy"), Type.Literal("unhealthy")], { description: "Only toolsets that are so." }),
  ),
};

const HEALTH = { healthy: "HEALTH_FILTER_HEALTHY", unhealthy: "HEALTH_FILTER_UNHEALTHY" } as const satisfies Record<
  string,
  HealthFilter
>;

/** What a query of such parameters asks for. */
export function readListQuery(query: {
  readonly tags?: string;
  readonly health?: keyof typeof HEALTH;
  readonly pageSize?: number;
  readonly pageToken?: string;
}) {
  return {
    tags: query.tags === undefined ? [] : query.tags.split(",").map((tag) => tag.trim()),
    health: query.health === undefined ? ("HEALTH_FILTER_UNSPECIFIED" as const) : HEALTH[query.health],
    pageSize: query.pageSize ?? 0,
    pageToken: query.pageToken ?? "",
  };
}

export const TOOLSET_PARAM = Type.String({
  maxLength: 512,
  description: "The toolset's name; one of another tenant percent-encoded: `acme%2Ffiles`.",
});
export const TOOL_PARAM = Type.String({ maxLength: 512, description: "The tool's name, percent-encoded." });

/** Which epoch is meant: with another one, nothing is done. */
export const EPOCH_BODY = Type.Object(
  { epoch: count("The epoch that is meant, as the caller knows it; another one is refused.", 1) },
  { additionalProperties: false, $id: "NamedEpoch" },
);
