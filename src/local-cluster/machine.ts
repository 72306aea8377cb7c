import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** A command's end: its status (127 when it could not be run), and what it printed. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What this machine has; the questions that provisioning asks, so that tests can answer them otherwise. */
export interface Machine {
  /** The path of a command on the PATH. */
  find(command: string): string | undefined;
  /** Runs a command to its end. */
  run(command: string, args: readonly string[], options?: { readonly env?: NodeJS.ProcessEnv }): Promise<CommandResult>;
  /** Whether we may install system packages. */
  readonly isRoot: boolean;
}

/** The machine as it is, seen with the given PATH. */
export function thisMachine(path: string): Machine {
  return {
    find: (command) => findOnPath(command, path),
    run: (command, args, options = {}) =>
      new Promise((resolve) => {
        const settings = {
          encoding: "utf8",
          maxBuffer: 16 << 20,
          ...(options.env ? { env: options.env } : {}),
        } as const;
        execFile(command, [...args], settings, (error, stdout, stderr) => {
          const status = error === null ? 0 : typeof error.code === "number" ? error.code : 127;
          resolve({ status, stdout, stderr: error !== null && status === 127 ? `${stderr}${error.message}` : stderr });
        });
      }),
    isRoot: process.getuid?.() === 0,
  };
}

function findOnPath(command: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
