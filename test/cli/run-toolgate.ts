import { spawn } from "node:child_process";
import { once } from "node:events";
import { builtProgram } from "../../cmd/local/package-root.js";
import { environment } from "../../src/config/environment.js";
import { until } from "../support/until.js";

export interface RunOptions {
  /** What is piped in; a closed pipe when absent. */
  readonly stdin?: string;
  /** Variables besides the inherited ones; those of Toolgate are never inherited. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A `toolgate` that runs. */
export interface Running {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Waits until stdout and stderr together match. */
  says(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** A `toolgate` that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the built command line as a process of its own. */
export function startToolgate(args: readonly string[], { stdin, env = {} }: RunOptions = {}): Running {
  const inherited = Object.entries(environment()).filter(([name]) => !/^(TOOLGATE_|REDIS_URL$)/.test(name));
  const child = spawn(process.execPath, [builtProgram("cmd/toolgate.js"), ...args], {
    // Whoever runs the tests may have contexts; they are not meant.
    env: { ...Object.fromEntries(inherited), XDG_CONFIG_HOME: "/nonexistent", ...env },
    stdio: "pipe",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}); // it may have ended before it read
  child.stdin.end(stdin ?? "");
  const ended = once(child, "close").then(([code, signal]): Ended => ({ code, signal, stdout, stderr }));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    pid: child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    says: async (pattern) => {
      await until(
        `toolgate ${args[0]} says ${pattern}`,
        () => {
          if (!pattern.test(stdout + stderr)) throw new Error(`it has said:\n${stdout}${stderr}`);
          return true;
        },
        { withinMs: 30_000 },
      );
    },
    ended,
  };
}

/** Runs it to its end. */
export async function runToolgate(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return await startToolgate(args, options).ended;
}
