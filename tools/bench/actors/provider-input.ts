/** What the benchmark's tools take. */

/** A number of pieces of output, and the bytes of each. */
export interface StreamInput {
  readonly count: number;
  readonly bytes: number;
}

/** A result of this many bytes. */
export interface FillInput {
  readonly bytes: number;
}

/** The result of the tool `fill`. */
export function filled({ bytes }: FillInput): { text: string } {
  return { text: "x".repeat(Math.max(0, bytes - '{"text":""}'.length)) };
}
