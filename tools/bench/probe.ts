import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";
import { serveCommands } from "./commands.js";
import { type LongestTurn, LoopMeter } from "./loop-meter.js";
import { type LoopReport, watchLoop } from "./loop-turns.js";

/**
 * A preload (`node --import`) for the programs that are measured: it tells their memory after a garbage collection, measures the
 * turns of their event loop, and what comes waits for, and profiles them, when asked. It does nothing by itself.
 */

export type ProbeCommand =
  /** Collects garbage, then tells what is left. */
  | { readonly kind: "memory" }
  /** Measures the turns of the event loop from now on. */
  | { readonly kind: "watch_turns" }
  /** Tells the longest one since then. */
  | { readonly kind: "longest_turn" }
  /** Watches its event loop from now on. */
  | { readonly kind: "watch_loop" }
  /** Tells what was seen of it. */
  | { readonly kind: "loop" }
  | { readonly kind: "start_profile" }
  /** Writes the profile, for Chrome's developer tools. */
  | { readonly kind: "stop_profile"; readonly file: string };

/** What a process holds after a garbage collection, in bytes. */
export interface HeldMemory {
  /** What JavaScript holds in its heap, and what it accounts for outside of it. Not the resident size, which shrinks with the collection itself. */
  readonly heldBytes: number;
  /** The resident size. */
  readonly residentBytes: number;
}

let meter: LoopMeter | undefined;
let endWatch: (() => LoopReport) | undefined;
let profiler: Session | undefined;

if (isMainThread) {
  const address = await serveCommands((command) => runCommand(command as ProbeCommand)); // the benchmark sends nothing else
  console.error(JSON.stringify({ event: "probing", address }));
}

async function runCommand(command: ProbeCommand): Promise<HeldMemory | LongestTurn | LoopReport | null> {
  switch (command.kind) {
    case "memory": {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void; // what the flag exposes
      collect();
      await new Promise((resolve) => setTimeout(resolve, 100)); // finalizers run between the two
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      return { heldBytes: heapUsed + external, residentBytes: rss };
    }
    case "watch_turns":
      meter?.stop();
      meter = new LoopMeter();
      return null;
    case "longest_turn": {
      if (meter === undefined) throw new Error("No turns are watched.");
      const longest = meter.stop();
      meter = undefined;
      return longest;
    }
    case "watch_loop":
      endWatch = watchLoop();
      return null;
    case "loop":
      return endWatch?.() ?? null;
    case "start_profile":
      profiler = new Session();
      profiler.connect();
      await profiler.post("Profiler.enable");
      await profiler.post("Profiler.setSamplingInterval", { interval: 500 });
      await profiler.post("Profiler.start");
      return null;
    case "stop_profile": {
      const { profile } = (await profiler?.post("Profiler.stop")) ?? {};
      profiler?.disconnect();
      await writeFile(command.file, JSON.stringify(profile));
      return null;
    }
    default:
      return command satisfies never;
  }
}
