import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { readSecret } from "../../src/config/secret-reference.js";
import { parseRegistryName } from "../../src/identity/names.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { type Check, fail } from "../doctor/check.js";
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
        const [
          { checkRuntime },
          { checkGateway },
          { checkAccess },
          { checkRegistry },
          { checkToolsets },
          { checkDocuments },
          { checkRedis },
        ] = await Promise.all([
          import("../doctor/check-runtime.js"),
          import("../doctor/check-gateway.js"),
          import("../doctor/check-access.js"),
          import("../doctor/check-registry.js"),
          import("../doctor/check-toolsets.js"),
          import("../doctor/check-documents.js"),
          import("../doctor/check-redis.js"),
        ]);
        const { nodes, options } = await readClientConfig(command);
        const checks: Check[] = [];
        const report = (found: readonly Check[]): void => {
          checks.push(...found);
          if (!output.json) for (const check of found) print(output, check);
        };
        report([checkRuntime(process.versions.node, neededNode())]);
        for (const address of nodes) {
          signal.throwIfAborted();
          report([await output.withProgress(`Asking ${address}`, () => checkGateway(address, options.tls))]);
        }
        const connection = { signal, connectTimeoutMs: 3_000, ...options };
        const access = await output.withProgress("Asking who you are", () => checkAccess(nodes, connection));
        report(access.checks);
        if (!access.isRefused) {
          report(await output.withProgress("Asking what the registry accepts", () => checkRegistry(nodes, connection)));
          report(await output.withProgress("Listing the toolsets", () => checkToolsets(nodes, connection)));
          report(await output.withProgress("Listing the documents", () => checkDocuments(nodes, connection)));
        }
        if (redisUrl !== undefined && redisUrl !== "") {
          const secret = readSecret(redisUrl, environment());
          if ("fault" in secret) report([fail("Redis", `its URL ${secret.fault}`, "Correct REDIS_URL (--redis-url).")]);
          else report(await output.withProgress("Asking Redis", () => checkRedis(secret.value, named, shards)));
        } else {
          output.note("Redis was not looked at: give --redis-url, or set REDIS_URL.");
        }
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

/** The Node versions that the package says it runs on. */
function neededNode(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));
  const { engines } = manifest as { engines?: { node?: string } }; // our own file
  return engines?.node ?? "*";
}
