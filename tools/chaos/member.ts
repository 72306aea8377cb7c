import { type Exit, Program, type ProgramOptions } from "../../src/local-cluster/program.js";
import { machineMs } from "./machine-clock.js";

export interface MemberOptions {
  /** `gateway 2`, `orders-1`. */
  readonly name: string;
  /** The program of its next start. */
  readonly program: () => ProgramOptions;
  /** What it prints when it is up, and what that tells. */
  readonly ready: (line: string) => string | undefined;
  /** Called when it ended unasked. */
  readonly onLost: (name: string, exit: Exit, output: readonly string[]) => void;
}

const UP_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
/** A start that failed, because the cluster was in no state for it, is tried again so soon, in milliseconds. */
const RETRY_MS = 300;
const MAX_STARTS = 60;

/** A process of the cluster that is started, ended and started again, as a supervisor would. */
export class Member {
  readonly name: string;
  readonly #options: MemberOptions;
  #program: Program | undefined;
  /** Its end was asked for. */
  #ending = false;

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /** What the running or last process printed. */
  get output(): readonly string[] {
    return this.#program?.output ?? [];
  }

  /** Starts it until it is up; what its line of readiness told comes back. */
  async start(): Promise<string> {
    for (let start = 1; ; start++) {
      const program = new Program(this.#options.program());
      this.#program = program;
      this.#ending = false;
      program.start();
      try {
        const address = await program.line("it is up", this.#options.ready, UP_WITHIN_MS);
        void program.ended().then((exit) => {
          if (this.#program === program && !this.#ending) this.#options.onLost(this.name, exit, program.output);
        });
        return address;
      } catch (error) {
        if (this.#ending || start === MAX_STARTS) throw error;
        await program.stop(0);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** kill -9; resolves to the machine's time of the signal when the process is gone. */
  async kill(): Promise<number> {
    this.#ending = true;
    const atMs = machineMs();
    this.#program?.signal("SIGKILL");
    await this.#program?.ended();
    return atMs;
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<Exit> {
    this.#ending = true;
    return (await this.#program?.stop(STOP_WITHIN_MS)) ?? { code: null, signal: null };
  }

  /** Resolves when it has ended. */
  async ended(): Promise<Exit> {
    return (await this.#program?.ended()) ?? { code: null, signal: null };
  }

  /** Leaves it to itself: its end is expected from now on. */
  release(): void {
    this.#ending = true;
  }
}
