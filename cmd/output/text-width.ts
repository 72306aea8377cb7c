let segmenter: Intl.Segmenter | undefined;
// East Asian wide and fullwidth blocks, and emoji: two columns each. string-width knows more of Unicode, and brings five packages that
// every command would load before it prints a line.
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6])/u;

/** What people see as one character each. The segmenter is made at first use: that takes 10 ms of CPU time, which most commands can do without. */
function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

/** How many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: plain ASCII, where each character is a column
  if (/^[\u0000-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Cuts a text to a number of columns, with `…` in place of what is missing. */
export function truncate(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "";
  let width = 1;
  for (const { segment } of segmentsOf(text)) {
    width += WIDE.test(segment) ? 2 : 1;
    if (width > columns) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** A text in pieces of at most `columns` columns, of which nothing is missing; none for an empty text. */
export function chunks(text: string, columns: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const { segment } of segmentsOf(text)) {
    const own = WIDE.test(segment) ? 2 : 1;
    if (piece !== "" && width + own > columns) {
      pieces.push(piece);
      piece = "";
      width = 0;
    }
    piece += segment;
    width += own;
  }
  return piece === "" ? pieces : [...pieces, piece];
}

/** Makes a stranger's text one line that a terminal shows as it is: no control characters, no line breaks. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
}

/** The same, with line breaks kept. */
export function safeLines(text: string): string {
  return text
    .split(/\r?\n/u)
    .map((line) => line.replace(/\t/gu, "  ").replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ""))
    .join("\n");
}

/** Breaks a text into lines of at most `columns` columns, at spaces. */
export function wrap(text: string, columns: number): string[] {
  return safeLines(text)
    .split("\n")
    .flatMap((paragraph) => {
      const lines: string[] = [];
      let line = "";
      for (const word of paragraph.trimEnd().split(/ +/u)) {
        if (line !== "" && textWidth(line) + 1 + textWidth(word) > columns) {
          lines.push(line);
          line = word;
        } else {
          line = line === "" ? word : `${line} ${word}`;
        }
      }
      return [...lines, line];
    });
}

/** Narrower texts than this are no help; what does not fit then wraps. */
const LEAST_COLUMNS = 40;
const USUAL_COLUMNS = 80;

/** The columns that texts for people are broken to: the terminal's, else what COLUMNS says, else 80. */
export function textColumns(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): number {
  const declared = Number(env.COLUMNS);
  const own = stream.isTTY === true ? stream.columns : undefined;
  return Math.max(LEAST_COLUMNS, own || (Number.isInteger(declared) && declared > 0 ? declared : USUAL_COLUMNS)); // a terminal that does not know says 0
}
