import type { Painter } from "./paint.js";
import { chunks, oneLine, textWidth, truncate } from "./text-width.js";

/** A cell: text of whatever origin, and how to show it. */
export type Cell = string | { readonly text: string; readonly style: keyof Painter };

export interface Column {
  readonly header: string;
  readonly align?: "right";
  /** Gives way when the terminal is too narrow; the last such column first. */
  readonly flexible?: boolean;
}

const GAP = "  ";
const LEAST_COLUMNS = 8;

/**
 * Rows under headers, columns aligned. Cells are made one line each; where the terminal's width is known, the flexible ones
 * are cut to fit it, and nothing wraps. Where even that is too wide, each row is shown as lines of a header and a value, whole:
 * what is not flexible, such as an id, is of no use when a part is missing.
 *
 * @param width of the terminal in columns; undefined where nothing is to be cut
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
  paint: Painter,
): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(textOf(cell))));
  const widths = columns.map(({ header }, index) =>
    Math.max(textWidth(header), ...cells.map((row) => textWidth(row[index] ?? ""))),
  );
  if (width !== undefined && !shrink(columns, widths, width)) return records(columns, rows, cells, width, paint);
  const lines = rows.map((row, rowIndex) =>
    columns
      .map((column, index) => {
        const text = pad(cells[rowIndex]?.[index] ?? "", widths[index] ?? 0, column, index === columns.length - 1);
        const cell = row[index];
        return typeof cell === "object" ? paint[cell.style](text) : text;
      })
      .join(GAP)
      .trimEnd(),
  );
  const head = columns
    .map((column, index) => pad(column.header, widths[index] ?? 0, column, index === columns.length - 1))
    .join(GAP)
    .trimEnd();
  return `${[paint.dim(head), ...lines].join("\n")}\n`;
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

/** Cuts flexible columns until they fit; says whether they do. */
function shrink(columns: readonly Column[], widths: number[], width: number): boolean {
  const gaps = GAP.length * (columns.length - 1);
  const excess = (): number => widths.reduce((sum, column) => sum + column, gaps) - width;
  for (let index = columns.length - 1; index >= 0 && excess() > 0; index -= 1) {
    const column = columns[index];
    const own = widths[index] ?? 0;
    if (column?.flexible !== true) continue;
    widths[index] = Math.min(own, Math.max(LEAST_COLUMNS, textWidth(column.header), own - excess()));
  }
  return excess() <= 0;
}

/** Each row as lines of a header and a value; an empty line between rows. */
function records(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  cells: readonly (readonly string[])[],
  width: number,
  paint: Painter,
): string {
  const named = Math.max(...columns.map(({ header }) => textWidth(header)));
  const room = Math.max(LEAST_COLUMNS, width - named - GAP.length);
  const blocks = rows.map((row, rowIndex) =>
    columns.flatMap(({ header }, index) => {
      const cell = row[index];
      return chunks(cells[rowIndex]?.[index] ?? "", room).map((part, line) => {
        const name = line === 0 ? header : "";
        const shown = typeof cell === "object" ? paint[cell.style](part) : part;
        return `${paint.dim(name)}${" ".repeat(named - textWidth(name))}${GAP}${shown}`;
      });
    }),
  );
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function pad(text: string, width: number, { align }: Column, last: boolean): string {
  const cut = truncate(text, width);
  const room = " ".repeat(Math.max(0, width - textWidth(cut)));
  if (align === "right") return room + cut;
  return last ? cut : cut + room;
}
