import { readFileSync } from "node:fs";
import type { Environment } from "./environment.js";

/** The largest file that holds a secret, and the most that a command says, in bytes. */
const MAX_BYTES = 65_536;
/** How long a command may take, in milliseconds. */
const COMMAND_MS = 5_000;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What a shell would do something with: nothing here does. */
const OF_SHELLS = /["'`\\$;&|<>(){}*?~#]/;

/** What a secret is, or why there is none: the rest of a sentence, with nothing of what was read. */
export type SecretReading = { readonly value: string } | { readonly fault: string };

/**
 * A secret setting's value. Instead of the secret itself it may be given as a reference, which is followed when the setting is read, at
 * the start of the process:
 *
 *   file:/run/secrets/redis-url       the content of a file
 *   env:REDIS_URL_OF_VAULT            another variable
 *   cmd:vault read -field=url redis   what a program writes to its standard output, within 5 s. It is started without a shell: words are
 *                                     separated by spaces, or are a list as JSON (`cmd:["printf", "a b"]`). It has this process's variables.
 *
 * White space around what is found is no part of it. Settings are the operator's own: nothing that a stranger sends, and no document, is
 * ever read as a reference. A fault never shows what was read.
 */
export function readSecret(text: string, env: Environment): SecretReading {
  if (text.startsWith("file:")) return readFile(text.slice("file:".length));
  if (text.startsWith("cmd:")) return runCommand(text.slice("cmd:".length), env);
  if (!text.startsWith("env:")) return { value: text };
  const name = text.slice("env:".length);
  if (!VARIABLE.test(name)) return { fault: 'refers to no variable: it must be "env:" and a name' };
  const value = env[name]?.trim();
  return value === undefined || value === ""
    ? { fault: `refers to the variable ${name}, which is not set` }
    : { value };
}

function readFile(path: string): SecretReading {
  try {
    const content = readFileSync(path);
    if (content.length > MAX_BYTES) return { fault: `refers to a file of over ${MAX_BYTES} bytes` };
    const value = content.toString("utf8").trim();
    return value === "" ? { fault: "refers to a file that is empty" } : { value };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // what fs throws
    return { fault: `refers to a file that cannot be read: ${code ?? "unknown error"}` };
  }
}

function runCommand(line: string, env: Environment): SecretReading {
  const words = wordsOf(line);
  if (words === undefined) {
    return {
      fault: 'refers to no command: it must be words with spaces between, or a list such as cmd:["printf", "a b"]',
    };
  }
  const [program = "", ...args] = words;
  // Loaded here alone: it takes longer than reading all settings does.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  // What it says of itself may have the secret in it, so that goes nowhere.
  const { error, status, signal, stdout } = spawnSync(program, args, {
    env,
    stdio: ["ignore", "pipe", "ignore"],
    timeout: COMMAND_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_BYTES,
    windowsHide: true,
  });
  const fault = (why: string) => ({ fault: `refers to a command that ${why}; run it by hand to see` });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException; // what spawn fails with
    if (code === "ETIMEDOUT") return fault(`did not end within ${COMMAND_MS} ms`);
    if (code === "ENOBUFS") return fault(`wrote over ${MAX_BYTES} bytes`);
    return fault(`cannot be started: ${code ?? "unknown error"}`);
  }
  if (status !== 0) return fault(status === null ? `was ended by ${signal}` : `ended with ${status}`);
  const value = stdout.toString("utf8").trim();
  return value === "" ? fault("wrote nothing") : { value };
}

/** The program and its arguments; undefined where that is not clear: what needs quotes is written as a list. */
function wordsOf(line: string): readonly string[] | undefined {
  const text = line.trim();
  if (text.startsWith("[")) {
    try {
      const words: unknown = JSON.parse(text);
      const isCommand = Array.isArray(words) && words.length > 0 && words[0] !== "";
      return isCommand && words.every((word) => typeof word === "string" && !word.includes("\0")) ? words : undefined;
    } catch {
      return undefined;
    }
  }
  if (text === "" || text.includes("\0") || OF_SHELLS.test(text)) return undefined;
  return text.split(/\s+/);
}
