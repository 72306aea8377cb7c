import type { Painter } from "./paint.js";
import { oneLine, textWidth, truncate } from "./text-width.js";

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
 * are cut to fit it, and nothing wraps.
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
  if (width !== undefined) shrink(columns, widths, width);
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

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  const gaps = GAP.length * (columns.length - 1);
  for (let index = columns.length - 1; index >= 0; index -= 1) {
    const excess = widths.reduce((sum, column) => sum + column, gaps) - width;
    if (excess <= 0) return;
    const column = columns[index];
    const own = widths[index] ?? 0;
    if (column?.flexible !== true) continue;
    widths[index] = Math.min(own, Math.max(LEAST_COLUMNS, textWidth(column.header), own - excess));
  }
}

function pad(text: string, width: number, { align }: Column, last: boolean): string {
  const cut = truncate(text, width);
  const room = " ".repeat(Math.max(0, width - textWidth(cut)));
  if (align === "right") return room + cut;
  return last ? cut : cut + room;
}
