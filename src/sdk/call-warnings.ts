/** Something that a call was to have and did not get. */
export interface CallWarning {
  /** What, in words, such as a timeout that was cut to a maximum. */
  readonly message: string;
  readonly toolset: string;
  readonly tool: string;
  /** The call, which runs all the same. */
  readonly callId: string;
}

/** Receives what calls were to have and did not get. */
export type OnCallWarning = (warning: CallWarning) => void;

/** The most warnings that are remembered. */
const MAX_REMEMBERED = 1_000;

/** Tells the process's own warnings (`process.on("warning")`, stderr otherwise): each once for a tool, not for each call. */
export function warnOnce(): OnCallWarning {
  const reported = new Set<string>();
  return ({ message, toolset, tool }) => {
    const text = `${toolset}/${tool}: ${message}`;
    if (reported.has(text) || reported.size >= MAX_REMEMBERED) return;
    reported.add(text);
    process.emitWarning(text, "ToolgateWarning");
  };
}
