/** Styles by their meaning. Colour never says what a word does not say as well. */
export interface Painter {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

const sgr =
  (open: number, close: number) =>
  (text: string): string =>
    text === "" ? "" : `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string): string => text;

/** A painter for a stream that shows colours, or one that leaves texts as they are. */
export function painter(colours: boolean): Painter {
  return colours
    ? { good: sgr(32, 39), bad: sgr(31, 39), warn: sgr(33, 39), dim: sgr(2, 22), bold: sgr(1, 22) }
    : { good: plain, bad: plain, warn: plain, dim: plain, bold: plain };
}

/** Whether a stream shows colours: it is a terminal that can, and NO_COLOR (https://no-color.org) is not set. */
export function showsColours(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
