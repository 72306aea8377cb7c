import type { Cell } from "./table.js";

/** A toolset's or epoch's health, by its word. */
export function healthCell(healthy: boolean): Cell {
  return healthy ? { text: "healthy", style: "good" } : { text: "unhealthy", style: "bad" };
}

/** Says that an answer may be old, where it may. */
export const STALE_NOTE = "The node cannot reach Redis: this is what it knew last.";
