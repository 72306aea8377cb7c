import type { Static } from "typebox";
import { CALL_MATCH } from "../documents/call-match.js";
import { schemaKind } from "../documents/schema-kind.js";
import type { Violation } from "../errors/toolgate-error.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";

/** How calls end, as a webhook may ask for them. */
const OUTCOMES = [
  ...(["result", "tool_error", "not_executed", "cancelled"] as const),
  ...(["outcome_unknown", "attempts_exhausted"] as const),
] as const;

/** The most of a result that a message has where its document does not say, in bytes. */
export const USUAL_RESULT_BYTES = 65_536;

const Webhook = {
  type: "object",
  required: ["url", "secrets"],
  properties: {
    /** Where messages go; what it resolves to is looked at when it is dialled. */
    url: { type: "string", minLength: 1, maxLength: 2_048 },
    /**
     * What messages are signed with: names of files in the tenant's folder of TOOLGATE_WEBHOOK_SECRETS. With two, while a receiver goes
     * over from one to the other, messages have both signatures.
     */
    secrets: {
      type: "array",
      items: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" },
      minItems: 1,
      maxItems: 2,
      uniqueItems: true,
    },
    /** Calls whose ends it is told without being asked for; none where this is absent: then calls ask for it by name. */
    match: CALL_MATCH,
    /** The ends that it is told; all where this is absent. */
    outcomes: { type: "array", items: { type: "string", enum: OUTCOMES }, minItems: 1, uniqueItems: true },
    /** Whether it is told the result, or what a tool says of its error. */
    includeResult: { type: "boolean" },
    /** The most of a result that it is told, in bytes; of a larger one it hears that there is one. */
    maxResultBytes: { type: "integer", minimum: 1, maximum: 1_048_576 },
    description: { type: "string", maxLength: 512 },
  },
} as const;

/** Where the ends of calls are told. */
export type WebhookSpec = Static<typeof Webhook>;

/** Receivers of messages about calls that have ended. A caller names one of its tenant's; it never gives a URL. */
export const WEBHOOK = schemaKind({
  kind: "webhook",
  schema: Webhook,
  check({ url, match }, { tenant }) {
    const faults: Violation[] = [];
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isOdd = parsed === undefined || parsed.username !== "" || parsed.password !== "" || parsed.hash !== "";
    if (isOdd || (parsed.protocol !== "https:" && parsed.protocol !== "http:"))
      faults.push({ field: "/url", description: "must be an https URL without user, password and fragment" });
    if (match?.tenants !== undefined && tenant !== DEFAULT_TENANT)
      faults.push({
        field: "/match/tenants",
        description: `may be given only in the tenant "${DEFAULT_TENANT}": others hear of their own callers`,
      });
    return faults;
  },
});
