/** Whether a text fits. */
export type Matcher = (text: string) => boolean;

const SLASH = "/";
const STAR = "*";

/**
 * Compiles a pattern in which `*` stands for any run of characters, none included, but for slashes. It is compared character by
 * character, case and all, and in time linear in the text: each piece between stars is taken where it is found first, and never again.
 */
export function compilePattern(pattern: string): Matcher {
  if (!pattern.includes(STAR)) return (text) => text === pattern;
  if (pattern === STAR) return (text) => !text.includes(SLASH);
  const parts = pattern.split(SLASH).map(compilePart);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return (text) => !text.includes(SLASH) && only(text);
  return (text) => {
    const texts = text.split(SLASH);
    return texts.length === parts.length && parts.every((matches, index) => matches(texts[index] ?? ""));
  };
}

/** A pattern without slashes, for a text without slashes. */
function compilePart(pattern: string): Matcher {
  const [head = "", ...pieces] = pattern.split(STAR);
  const tail = pieces.pop();
  if (tail === undefined) return (text) => text === pattern;
  return (text) => {
    // What is before the first star and behind the last one is fixed, and may not overlap.
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let from = head.length;
    for (const piece of pieces) {
      const found = text.indexOf(piece, from);
      if (found === -1 || found + piece.length > end) return false;
      from = found + piece.length;
    }
    return true;
  };
}

/** Compiles a pattern of tools' names. A star alone is all of them; a slash is a part of a tool's name like any other. */
export function compileToolPattern(pattern: string): Matcher {
  return pattern === STAR ? () => true : compilePattern(pattern);
}

/** A pattern of toolsets: of one's own tenant, or of others' where it names a tenant. */
export interface ToolsetPattern {
  /** The pattern of the tenant before the slash; undefined without one. */
  readonly tenant: string | undefined;
  /** The pattern of the name within the tenant. */
  readonly name: string;
}

/** Takes a toolset's pattern apart. */
export function splitToolsetPattern(pattern: string): ToolsetPattern {
  const slash = pattern.indexOf(SLASH);
  return slash === -1
    ? { tenant: undefined, name: pattern }
    : { tenant: pattern.slice(0, slash), name: pattern.slice(slash + 1) };
}
