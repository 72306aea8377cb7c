/** What the benchmark's tools take. */

/** So many pieces of output, of so many bytes each. */
export interface StreamInput {
  readonly count: number;
  readonly bytes: number;
}

/** A result of so many bytes. */
export interface FillInput {
  readonly bytes: number;
}

/** The result of the tool `fill`. */
export function filled({ bytes }: FillInput): { text: string } {
  return { text: "x".repeat(Math.max(0, bytes - '{"text":""}'.length)) };
}
