import { invalidField } from "../identity/names.js";
import type { HealthFilter__Output } from "../protocol/generated/toolgate/v1/HealthFilter.js";
import type { ContractFacts } from "./contract-text.js";
import { type HealthAt, isCallable, type ToolsetView } from "./toolset-view.js";

const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 64;

/** Which toolsets an answer is about. */
export interface ToolsetFilter {
  /** The toolset has all of these. */
  readonly tags: readonly string[];
  readonly health: "any" | "healthy" | "unhealthy";
}

/** Reads the filter of a request. @throws ToolgateError INVALID_REQUEST when it is over its limits. */
export function readFilter(tags: readonly string[], health: HealthFilter__Output): ToolsetFilter {
  if (tags.length > MAX_TAGS || tags.some((tag) => tag === "" || tag.length > MAX_TAG_CHARACTERS)) {
    throw invalidField("tags", `must be at most ${MAX_TAGS} words, each of 1 to ${MAX_TAG_CHARACTERS} characters`);
  }
  return { tags: [...new Set(tags)].sort(), health: HEALTHS[health] };
}

const HEALTHS = {
  HEALTH_FILTER_UNSPECIFIED: "any",
  HEALTH_FILTER_HEALTHY: "healthy",
  HEALTH_FILTER_UNHEALTHY: "unhealthy",
} as const satisfies Record<HealthFilter__Output, ToolsetFilter["health"]>;

/** Whether a toolset passes. */
export function passes(view: ToolsetView, facts: ContractFacts, filter: ToolsetFilter, at: HealthAt): boolean {
  if (filter.health !== "any" && isCallable(view, at.nowMsOf(view.name), at.rule) !== (filter.health === "healthy"))
    return false;
  return filter.tags.every((tag) => facts.tags.includes(tag));
}
