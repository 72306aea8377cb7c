import type { Limits__Output } from "../protocol/generated/toolgate/v1/Limits.js";

/** The largest outputs, in bytes of JSON. */
export interface OutputLimits {
  readonly maxResultBytes: number;
  readonly maxDeltaBytes: number;
}

/** Until a node has announced the registry's limit, and for good where it announces none: what registries have by default. */
const USUAL_RESULT_BYTES = 3_145_728;
const USUAL_DELTA_BYTES = 1_048_576;

/**
 * What a provider sends at most: what it wants, as far as the registry takes it.
 *
 * @param registry what a node announced last.
 */
export function outputLimits(
  wanted: Partial<OutputLimits>,
  registry: Pick<Limits__Output, "maxResultBytes"> | undefined,
): OutputLimits {
  const most = registry?.maxResultBytes ?? wanted.maxResultBytes ?? USUAL_RESULT_BYTES;
  return {
    maxResultBytes: Math.min(wanted.maxResultBytes ?? most, most),
    maxDeltaBytes: Math.min(wanted.maxDeltaBytes ?? USUAL_DELTA_BYTES, registry === undefined ? Infinity : most),
  };
}
