import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseLines } from "./history.js";
import { machineMs } from "./machine-clock.js";

/** One line of a provider's ledger: a tool began to run, or stopped running. */
export interface LedgerLine {
  readonly phase: "start" | "end";
  readonly call: string;
  readonly attempt: number;
  /** One start of one provider. */
  readonly incarnation: string;
  /** This run alone; the result bears it too. */
  readonly run: string;
  /** What the call's payload said of its agent, where only the SDK knows the call's id. */
  readonly asker?: string;
  readonly atMs: number;
  /** How it stopped: `returned`, or what it was told; absent at the start. */
  readonly how?: string;
}

/**
 * What a provider executed, on disk. A line is with the operating system before the tool goes on, so that kill -9 loses
 * none; a loss of power may, and is not what is tested.
 */
export class Ledger {
  readonly #file: string;
  readonly #incarnation: string;
  #runs = 0;

  constructor(file: string, incarnation: string) {
    this.#file = file;
    this.#incarnation = incarnation;
  }

  /** Notes that a run begins; what it returns notes its end. */
  begin(call: string, attempt: number, asker?: string): { readonly run: string; end(how: string): void } {
    this.#runs += 1;
    const run = `${this.#incarnation}:${this.#runs}`;
    const line = { call, attempt, incarnation: this.#incarnation, run, ...(asker !== undefined && { asker }) };
    this.#write({ phase: "start", ...line, atMs: machineMs() });
    return { run, end: (how) => this.#write({ phase: "end", ...line, atMs: machineMs(), how }) };
  }

  #write(line: LedgerLine): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** What all providers of a cluster wrote down so far, in order. */
export function readLedgers(folder: string): LedgerLine[] {
  const lines = readdirSync(folder).flatMap((file) => parseLines<LedgerLine>(readFileSync(join(folder, file), "utf8")));
  return lines.sort((a, b) => a.atMs - b.atMs);
}
