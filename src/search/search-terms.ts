/** Terms are cut here; more is never typed. */
const MAX_TERM_CHARACTERS = 48;

const ASCII_WORDS = /[a-z0-9]+/g;
const WORDS = /[\p{L}\p{N}]+/gu;
const MARKS = /\p{M}+/gu;
/** Where one word of a camelCase or PascalCase name ends and the next begins, also in `HTTPServer`. */
const CAMEL = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu;

/** The words of a text in lower case, without accents; everything but letters and digits separates. */
export function words(text: string): string[] {
  const lower = text.toLowerCase();
  const found = isAscii(lower) ? lower.match(ASCII_WORDS) : lower.normalize("NFKD").replace(MARKS, "").match(WORDS);
  return (found ?? []).map((word) => (word.length > MAX_TERM_CHARACTERS ? word.slice(0, MAX_TERM_CHARACTERS) : word));
}

/** The words of a name, which are also split at their capitals. */
export function nameWords(name: string): string[] {
  return words(name.replace(CAMEL, " "));
}

/** How a name is found: by each of its words, and written as one. */
export function nameTerms(name: string): string[] {
  const parts = nameWords(name);
  return parts.length > 1 ? [...parts, parts.join("").slice(0, MAX_TERM_CHARACTERS)] : parts;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
