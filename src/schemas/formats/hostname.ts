import { isIdnaName } from "./idna.js";

/** A hostname has at most 253 characters in 63 a label, RFC 1123 section 2.1. */
const MAX_HOSTNAME = 253;
const LABELS = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const A_LABEL = /(?:^|\.)xn--/i;
/** The longest internationalized one, in UTF-16 code units: its ASCII form has a character for each of Unicode at least. */
const MAX_IDN_HOSTNAME = 2 * MAX_HOSTNAME;
/** The dots that separate labels, RFC 3490 section 3.1. */
const DOTS = /[.\u3002\uff0e\uff61]/;

/** A name of letters, digits and hyphens, RFC 1123; a label `xn--...` stands for one of Unicode, RFC 5891. */
export function isHostname(text: string): boolean {
  if (text.length > MAX_HOSTNAME || !LABELS.test(text)) return false;
  return !A_LABEL.test(text) || isIdnaName(text.split("."));
}

/** The same, with labels of Unicode. */
export function isIdnHostname(text: string): boolean {
  return isHostname(text) || (text.length <= MAX_IDN_HOSTNAME && isIdnaName(text.split(DOTS)));
}
