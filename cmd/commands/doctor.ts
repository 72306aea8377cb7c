import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { parseRegistryName } from "../../src/identity/names.js";
import type { Check } from "../doctor/check.js";
import { EXIT_CODES } from "../output/exit-codes.js";
import type { Output } from "../output/output.js";
import type { Painter } from "../output/paint.js";
import { safeLines, wrap } from "../output/text-width.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface DoctorFlags {
  readonly redisUrl?: string;
  readonly registry?: string;
}

const STYLES = { ok: "good", warn: "warn", fail: "bad" } as const satisfies Record<Check["status"], keyof Painter>;
const INDENT = 6;

/** `toolgate doctor`: looks at everything that a cluster needs, and says what to do. */
export function doctorCommand(): Command {
  return withClientOptions(
    new Command("doctor")
      .description(
        "Checks Node, each node of --nodes, the toolsets' health and, where REDIS_URL or --redis-url says where it is, Redis. " +
          "Where the registry asks for a credential and none is given, it says so, and leaves the toolsets out. " +
          `Exit status: 0 when nothing failed (warnings may be there), ${EXIT_CODES.unavailable.code} otherwise.`,
      )
      .option("--redis-url <url>", "The nodes' Redis, as they log in there [REDIS_URL].")
      .option("--registry <name>", "The registry's name [TOOLGATE_REGISTRY, else default]."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate doctor
  toolgate doctor --nodes 10.0.0.5:7400 --redis-url redis://10.0.0.9:6379
  toolgate doctor --json | jq '.checks[] | select(.status != "ok")'`,
    )
    .action(async ({ redisUrl = environment().REDIS_URL, registry }: DoctorFlags, command: Command) => {
      const named = parseRegistryName(registry ?? (environment().TOOLGATE_REGISTRY || "default"), "registry");
      const shards = Number(environment().TOOLGATE_SHARDS ?? 0) || 0;
      await inSession(command, async ({ output, signal }) => {
        const { runChecks } = await import("../doctor/run-checks.js");
        const { nodes, options } = await readClientConfig(command);
        const checks: Check[] = [];
        const asked = { nodes, options, redisUrl: redisUrl || undefined, registry: named, shards };
        for await (const check of runChecks(asked, output, signal)) {
          checks.push(check);
          if (!output.json) print(output, check);
        }
        if (asked.redisUrl === undefined) output.note("Redis was not looked at: give --redis-url, or set REDIS_URL.");
        conclude(output, checks);
      });
    });
}

function print(output: Output, { status, name, finding, remedy }: Check): void {
  const word = output.paint[STYLES[status]](status.padEnd(INDENT));
  output.text(`${word}${safeLines(`${name}: ${finding}`)}`);
  if (remedy === undefined) return;
  for (const line of wrap(remedy, (output.width ?? 100) - INDENT))
    output.text(`${" ".repeat(INDENT)}${output.paint.dim(line)}`);
}

function conclude(output: Output, checks: readonly Check[]): void {
  const count = (status: Check["status"]): number => checks.filter((check) => check.status === status).length;
  const failed = count("fail");
  if (output.json) output.jsonData({ ok: failed === 0, checks });
  else
    output.note(
      `${count("ok")} ok, ${count("warn")} ${count("warn") === 1 ? "warning" : "warnings"}, ${failed} failed.`,
    );
  if (failed > 0) process.exitCode = EXIT_CODES.unavailable.code;
}
