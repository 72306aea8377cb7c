/** Nothing is said about what takes less, in milliseconds. */
const QUIET_MS = 1_000;
const REDRAW_MS = 120;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const CLEAR_LINE = "\r\u001b[K";

/** A line about what is going on; it vanishes when that is over. */
export interface Progress {
  /** Says what is going on now. */
  update(label: string): void;
  /** Takes the line away to let something be written, until the next redraw. */
  clear(): void;
  /** Takes the line away for good. Idempotent. */
  done(): void;
}

/** Where a progress line can be drawn. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Starts a progress line on a terminal; it shows after a second. On anything else it shows nothing. */
export function startProgress(stream: ProgressStream, label: string): Progress {
  if (stream.isTTY !== true) return { update: () => {}, clear: () => {}, done: () => {} };
  const startedAt = performance.now();
  let current = label;
  let shown = false;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const clear = (): void => {
    if (shown) stream.write(CLEAR_LINE);
    shown = false;
  };
  const draw = (): void => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const line = `${FRAMES[frame++ % FRAMES.length]} ${current} … ${seconds} s`;
    stream.write(`${CLEAR_LINE}${line.slice(0, (stream.columns || 80) - 1)}`);
    shown = true;
  };
  timer = setTimeout(() => {
    draw();
    timer = setInterval(draw, REDRAW_MS);
    timer.unref();
  }, QUIET_MS);
  timer.unref();
  return {
    update: (next) => {
      current = next;
    },
    clear,
    done: () => {
      clearTimeout(timer);
      clear();
    },
  };
}
