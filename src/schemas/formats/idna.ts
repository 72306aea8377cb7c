import { domainToASCII, domainToUnicode } from "node:url";

/**
 * Names with labels of Unicode, IDNA 2008 (RFC 5890 to 5893). Node's own functions judge by UTS 46 as URLs do: they know Punycode,
 * joiners, normal forms and the order of writing within a label, and are wider elsewhere, which is taken back here. They take about
 * 0.2 µs for a character.
 */

/** A label has at most 63 characters in ASCII, and a name 253: RFC 5891 section 4.2.4, RFC 1123 section 2.1. */
const MAX_LABEL = 63;
const MAX_NAME = 253;

const ASCII = /^[\0-\x7f]*$/;
const LDH = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
/** RFC 5892 section 2: letters, digits and marks (LetterDigits), hyphens, and what the exceptions and joiners add. */
const U_LABEL =
  /^[-\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d]+$/u;
/** What of these is disallowed: exceptions (F), ignorable blocks (D), old Hangul Jamo (I). */
const DISALLOWED =
  /[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]|[\u20d0-\u20ff]|[\u{1d100}-\u{1d24f}]|[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/u;
/** RFC 5891 section 4.2.3: hyphens at an end, or as an A-label has them; a mark at the beginning. */
const MISPLACED = /^-|-$|^.{2}--|^\p{M}/u;
/** What breaks the rule of its context, RFC 5892 appendix A.3 to A.6: middle dot, keraia, geresh and gershayim. */
const OUT_OF_CONTEXT = /(?<!l)\u00b7|\u00b7(?!l)|\u0375(?!\p{Script=Greek})|(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u;
/** Appendix A.1 and A.2: a joiner follows a virama, which is a mark, or stands within a script that joins its letters. */
const LOST_JOINER =
  /(?:^|[^\p{M}\u0600-\u08ff\u1800-\u18aa\ua840-\ua873\u{10800}-\u{10fff}\u{1e900}-\u{1e95f}])[\u200c\u200d]/u;
/** Appendix A.7: the katakana middle dot needs a companion. */
const KATAKANA_DOT = "\u30fb";
const ITS_COMPANION = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;
/** Appendix A.8 and A.9. */
const ARABIC_DIGIT = /[\u0660-\u0669]/;
const EXTENDED_ARABIC_DIGIT = /[\u06f0-\u06f9]/;
/** What is written from right to left; the other digits and marks are not by themselves. */
const RIGHT_TO_LEFT =
  /(?![\u06f0-\u06f9]|\p{M})[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * Whether labels make a name together, each in ASCII, in Unicode, or as an A-label (`xn--...`). All of them are looked at, since one
 * that is written from right to left puts rules on the others.
 *
 * @param labels of a name whose length was bounded before.
 */
export function isIdnaName(labels: readonly string[]): boolean {
  if (!labels.every((label) => (ASCII.test(label) ? LDH.test(label) : U_LABEL.test(label)))) return false;
  // A name that ends in digits would be taken for an address.
  const ascii = domainToASCII(`${labels.join(".")}.a`);
  const unicode = domainToUnicode(ascii);
  // What is no valid label is empty; an A-label that is not what its characters are encoded as is none.
  if (unicode === "" || domainToASCII(unicode) !== ascii) return false;
  const asciiLabels = ascii.split(".").slice(0, -1);
  const unicodeLabels = unicode.split(".").slice(0, -1);
  if (asciiLabels.length !== labels.length || ascii.length - ".a".length > MAX_NAME) return false;
  return (
    asciiLabels.every((label) => label.length <= MAX_LABEL) &&
    labels.every((label, index) => isLabel(label, asciiLabels[index] ?? "", unicodeLabels[index] ?? "")) &&
    (!unicodeLabels.some((label) => RIGHT_TO_LEFT.test(label)) || unicodeLabels.every(keepsDirection))
  );
}

/** @param ascii and unicode are the label's forms by UTS 46, which maps some characters to others. */
function isLabel(label: string, ascii: string, unicode: string): boolean {
  if (!ASCII.test(label)) return label === unicode && isULabel(label);
  return label.toLowerCase() === ascii && (!ascii.startsWith("xn--") || isULabel(unicode));
}

function isULabel(label: string): boolean {
  if (ASCII.test(label) || !U_LABEL.test(label)) return false;
  if ([DISALLOWED, MISPLACED, OUT_OF_CONTEXT, LOST_JOINER].some((rule) => rule.test(label))) return false;
  if (label.includes(KATAKANA_DOT) && !ITS_COMPANION.test(label)) return false;
  return !(ARABIC_DIGIT.test(label) && EXTENDED_ARABIC_DIGIT.test(label));
}

/** RFC 5893 section 2: a label begins with a letter, and one that begins from left to right goes on so. */
function keepsDirection(label: string): boolean {
  const first = String.fromCodePoint(label.codePointAt(0) ?? 0);
  return RIGHT_TO_LEFT.test(first) ? !ARABIC_DIGIT.test(first) : /\p{L}/u.test(first) && !RIGHT_TO_LEFT.test(label);
}
