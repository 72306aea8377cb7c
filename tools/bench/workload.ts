import type { Figure } from "./figures.js";
import type { Effort, Measurement } from "./measure.js";
import type { Stage } from "./stage.js";

/** What a workload is given. */
export interface WorkloadContext {
  readonly effort: Effort;
  /** Small: to see that all of it works, or for a first impression. */
  readonly quick: boolean;
  /** How many calls are in flight, one load after the other; unless the work says so itself. */
  readonly loads: readonly number[];
  /** The payloads' sizes. */
  readonly payloadBytes: readonly number[];
  /** How many toolsets the catalogue grows to. */
  readonly toolsets: number;
  /** How many providers register at once, one storm after the other. */
  readonly providers: readonly number[];
  /** The `dist` of another build, to be measured beside this one. */
  readonly against: string | undefined;
  /** Where profiles go. */
  readonly profileFolder: string | undefined;
  readonly signal: AbortSignal;
  /** A stage that was started; it is stopped when the work is over. */
  stage(options?: { readonly appendOnly?: boolean; readonly replica?: boolean }): Promise<Stage>;
  /** Says what is going on. */
  progress(text: string): void;
  /** Adds what was found. */
  figure(figure: Figure): void;
  /** Adds the details behind figures. */
  detail(detail: Detail): void;
  /** A remark for people. */
  note(text: string): void;
}

/** What a contender did under one load. */
export interface Detail {
  readonly work: string;
  readonly contender: string;
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly measurements: readonly Measurement[];
}

/** One part of the benchmark, to be named after `--only`. */
export interface Workload {
  readonly name: string;
  readonly description: string;
  run(context: WorkloadContext): Promise<void>;
}
