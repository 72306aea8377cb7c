/** What a literal must not have, RFC 6570 section 2.1 with erratum 6937: an apostrophe is fine. */
const NOT_LITERAL = /%(?![0-9a-f]{2})|[\0- "<>\\^`{|}\x7f-\x9f]/i;
const NAME = "(?:[a-z0-9_]|%[0-9a-f]{2})+(?:\\.(?:[a-z0-9_]|%[0-9a-f]{2})+)*";
const VARIABLE = `${NAME}(?::[1-9][0-9]{0,3}|\\*)?`;
const EXPRESSION = new RegExp(`^[+#./;?&=,!@|]?${VARIABLE}(?:,${VARIABLE})*$`, "i");
/** The longest expression, in UTF-16 code units; real ones name a few variables. */
const MAX_EXPRESSION = 1_024;

/** A URI template, RFC 6570: literals, and expressions in braces. */
export function isUriTemplate(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf("{", at);
    if (NOT_LITERAL.test(text.slice(at, open < 0 ? undefined : open))) return false;
    if (open < 0) return true;
    const close = text.indexOf("}", open);
    if (close < 0 || close - open > MAX_EXPRESSION || !EXPRESSION.test(text.slice(open + 1, close))) return false;
    at = close + 1;
  }
  return true;
}
