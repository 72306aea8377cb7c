import { invalidField } from "../../identity/names.js";

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^([0-9]{1,9})(ms|s|m|h)$/;
const MAX_MS = 86_400_000;

/** How long a caller waits, by the request's own word: `Request-Timeout: 10s`. */
export const TIMEOUT_HEADER = "request-timeout";
/** The pattern of a duration, for schemas. */
export const DURATION_PATTERN = "^[0-9]{1,9}(ms|s|m|h)$";

/**
 * A duration as people write it, `10s` or `500ms`, in milliseconds.
 *
 * @param field what the fault names
 * @throws ToolgateError INVALID_REQUEST
 */
export function parseDuration(text: string, field: string): number {
  const [, number, unit] = DURATION.exec(text) ?? [];
  const ms = number === undefined ? Number.NaN : Number(number) * UNITS[unit as keyof typeof UNITS]; // as the pattern says
  if (!(ms >= 1 && ms <= MAX_MS))
    throw invalidField(field, 'must be a duration such as "10s" or "500ms", of 24h at most');
  return ms;
}
