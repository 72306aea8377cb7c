import { Option } from "commander";
import { UsageError } from "../output/failure.js";
import type { Output } from "../output/output.js";

/** --raw: the result as the tool gave it. */
export function rawOption(): Option {
  return new Option("--raw", "Write the result's bytes as the tool gave them, and nothing else.");
}

/** Whether the result alone is wanted. @throws UsageError when it was asked for in two forms */
export function readRaw({ raw = false }: { readonly raw?: boolean }, output: Output): boolean {
  if (raw && output.json) throw new UsageError("--raw and --json were both given.", "Leave one of them out.");
  return raw;
}
