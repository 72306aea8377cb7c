import { readFileSync } from "node:fs";
import type { Environment } from "./environment.js";

/** The largest file that holds a secret, in bytes. */
const MAX_BYTES = 65_536;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A secret setting's value. Instead of the secret itself it may be given as `file:/run/secrets/redis-url`, whose content it is then, without
 * white space around it, or as `env:REDIS_URL_OF_VAULT`, the variable that has it. A fault never shows what was read.
 */
export function readSecret(text: string, env: Environment): { readonly value: string } | { readonly fault: string } {
  if (text.startsWith("file:")) return readFile(text.slice("file:".length));
  if (!text.startsWith("env:")) return { value: text };
  const name = text.slice("env:".length);
  if (!VARIABLE.test(name)) return { fault: 'refers to no variable: it must be "env:" and a name' };
  const value = env[name]?.trim();
  return value === undefined || value === ""
    ? { fault: `refers to the variable ${name}, which is not set` }
    : { value };
}

function readFile(path: string): { readonly value: string } | { readonly fault: string } {
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
