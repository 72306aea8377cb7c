import { spawn } from "node:child_process";
import { once } from "node:events";
import { environment } from "../../src/config/environment.js";
import { watchLog } from "./canaries.js";
import { descendants } from "./leaks.js";
import { until } from "./until.js";

export interface RunOptions {
  /** What is piped in; a closed pipe when absent. */
  readonly stdin?: string;
  /** Variables besides the inherited ones; those of Toolgate are never inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; here when absent. */
  readonly cwd?: string;
}

/** A program that runs. */
export interface Running {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Waits until stdout and stderr together match. */
  says(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** A program that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Stops the innermost of a program's processes whose command has this word, and waits for the program's end: what starts others
 * (npx, `go run`) passes no signal on.
 */
export async function stopInside(running: Running, word: string): Promise<Ended> {
  const own = descendants(running.pid).filter((row) => row.includes(word));
  process.kill(Number.parseInt(own.at(-1) ?? String(running.pid), 10), "SIGTERM");
  return await running.ended;
}

/** Starts a program as a process of its own. */
export function startProgram(
  program: string,
  args: readonly string[],
  { stdin, env = {}, cwd }: RunOptions = {},
): Running {
  const inherited = Object.entries(environment()).filter(([name]) => !/^(TOOLGATE_|OTEL_|REDIS_URL$)/.test(name));
  const child = spawn(program, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
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
  const watch = watchLog(`what ${[program, ...args].join(" ").slice(-80)} prints`, { spoken: false });
  const ended = once(child, "close").then(([code, signal]): Ended => {
    watch(stderr);
    // What a command answers may be a new key; a node answers nobody there.
    if (args.includes("serve")) watch(stdout);
    return { code, signal, stdout, stderr };
  });
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    pid: child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    says: async (pattern) => {
      await until(
        `${program} ${args[0]} says ${pattern}`,
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
