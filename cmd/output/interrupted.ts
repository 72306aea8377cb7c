import { type Interruption, watchInterruptions } from "../../src/local-cluster/interruption.js";

const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** The reason of a command's abort signal once it was told to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** 128 and the signal's number, as shells have it. */
  readonly exitCode: number;

  constructor(interruption: Interruption) {
    const signal = interruption.kind === "signal" ? interruption.signal : "SIGHUP";
    super(signal === "SIGINT" ? "Interrupted." : `Ended by ${signal}.`);
    this.exitCode = 128 + (NUMBERS[signal] ?? 0);
  }
}

/** What ends a command from outside. */
export interface Interrupts {
  /** Aborts at the first Ctrl-C, SIGTERM or SIGHUP, with an Interrupted as its reason. A second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  stop(): void;
}

/** Listens for what ends a command from outside. */
export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  const interruptions = watchInterruptions(() => process.exit(130));
  interruptions.signal.addEventListener("abort", () => controller.abort(new Interrupted(interruptions.signal.reason)), {
    once: true,
  });
  return { signal: controller.signal, stop: () => interruptions.stop() };
}
