import type { ReadStream } from "node:tty";
import { UsageError } from "../output/failure.js";

/** The largest secret that is read, in characters. */
const MAX_CHARACTERS = 1024;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const ERASE = ["\u007f", "\b"];

/**
 * Reads a secret: typed at a terminal, without showing it, else the first line that is piped in. Never from an argument, which other
 * users and the shell's history would see.
 *
 * @throws UsageError where there is none; the signal's reason when it aborts
 */
export async function askSecret(what: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  const secret = stdin.isTTY ? await typed(stdin, `${what}: `, stderr, signal) : await firstLine(signal);
  if (secret === "") throw new UsageError(`No ${what.toLowerCase()} was given.`, "Type it, or pipe it in as one line.");
  return secret;
}

/** A line that is shown while it is typed. @throws UsageError where nobody can be asked */
export async function askLine(what: string, remedy: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError(`No ${what.toLowerCase()} is given.`, remedy);
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${what}: `, { signal })).trim();
  } finally {
    terminal.close();
  }
}

async function firstLine(signal: AbortSignal): Promise<string> {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    signal.throwIfAborted();
    text += String(chunk);
    if (text.includes("\n") || text.length > MAX_CHARACTERS) break;
  }
  return checked(text.split(/\r?\n/, 1)[0] ?? "");
}

/** In raw mode, in which the terminal echoes nothing and Ctrl-C is a character. */
function typed(stdin: ReadStream, prompt: string, stderr: NodeJS.WritableStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const end = (act: () => void): void => {
      stdin.off("data", onData);
      signal.removeEventListener("abort", onAbort);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
      act();
    };
    const onAbort = (): void => end(() => reject(signal.reason));
    const onData = (chunk: Buffer | string): void => {
      for (const character of chunk.toString()) {
        if (character === "\r" || character === "\n" || character === CTRL_D) {
          end(() => resolve(checked(text)));
          return;
        }
        if (character === CTRL_C) {
          end(() => process.kill(process.pid, "SIGINT")); // what the command does at Ctrl-C aborts the signal
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          return;
        }
        if (ERASE.includes(character)) text = [...text].slice(0, -1).join("");
        else if (text.length < MAX_CHARACTERS) text += character;
      }
    };
    stderr.write(prompt);
    stdin.setRawMode(true);
    stdin.on("data", onData);
    stdin.resume();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function checked(secret: string): string {
  if (secret.length > MAX_CHARACTERS) {
    throw new UsageError(`It has more than ${MAX_CHARACTERS} characters.`, "Give one line.");
  }
  return secret;
}
