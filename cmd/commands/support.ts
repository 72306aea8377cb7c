import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { parseRegistryName } from "../../src/identity/names.js";
import { EXIT_CODES } from "../output/exit-codes.js";
import { oneLine } from "../output/text-width.js";
import { duration, integer, words } from "./option-values.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface SupportFlags {
  readonly output?: string;
  readonly ops?: readonly string[];
  readonly logFile?: string;
  readonly logLines?: number;
  readonly since?: number;
  readonly auditRecords?: number;
  readonly redisUrl?: string;
  readonly registry?: string;
}

const DAY_MS = 86_400_000;

/** `toolgate support`: one file with what others need to find a fault. */
export function supportCommand(): Command {
  return withClientOptions(
    new Command("support")
      .description(
        "Gathers what others need to find a fault into one file: settings, versions, what doctor says, metrics, the end of the log, and names, " +
          "versions, health and revisions of what is registered and configured; of the audit, counts. It has no payloads, no contents of documents, " +
          "and of secrets only whether they are set. Names of toolsets, tools and documents are in it: look through it before you pass it on. " +
          `What cannot be had, as of a node that is down, it names. Exit status: 0 when the file was written, ${EXIT_CODES.badInput.code} when it cannot be.`,
      )
      .option(
        "-o, --output <file>",
        "The file, which its owner alone can read; toolgate-support-<time>.zip when absent.",
      )
      .option(
        "--ops <host:port,…>",
        "The nodes' listeners for operators; https://host:port where they speak TLS [TOOLGATE_OPS_LISTEN, else 127.0.0.1:7481].",
        words,
      )
      .option("--log-file <file>", "The log file of a node that runs here [TOOLGATE_LOG_FILE].")
      .option("--log-lines <n>", "How many of its last lines.", integer(0, 100_000), 1_000)
      .option("--since <time>", "How far back the audit is counted, such as 2h; a day when absent.", duration)
      .option(
        "--audit-records <n>",
        "How many of the audit's latest records are in it as they are.",
        integer(0, 10_000),
        0,
      )
      .option("--redis-url <url>", "The nodes' Redis, as they log in there, for doctor [REDIS_URL].")
      .option("--registry <name>", "The registry's name [TOOLGATE_REGISTRY, else default]."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate support
  toolgate support --nodes 10.0.0.5:7400 --ops 127.0.0.1:7481 -o support.zip
  toolgate support --json | jq '.missing'`,
    )
    .action(async (flags: SupportFlags, command: Command) => {
      const env = environment();
      const registry = parseRegistryName((flags.registry ?? env.TOOLGATE_REGISTRY) || "default", "registry");
      await inSession(command, async ({ output, signal }) => {
        const [
          { checkPrivateFile, writePrivateFile },
          { OpsClient, opsAddress },
          { Bundle },
          { gather },
          { knownSecrets },
        ] = await Promise.all([
          import("../../src/config/private-file.js"),
          import("../ops/ops-client.js"),
          import("../support/bundle.js"),
          import("../support/gather.js"),
          import("../support/support-secrets.js"),
        ]);
        const file = flags.output ?? `toolgate-support-${new Date().toISOString().replace(/[:.]/g, "-")}.zip`;
        await checkPrivateFile(file);
        const target = await readClientConfig(command);
        const secrets = knownSecrets(env, flags.redisUrl);
        const bundle = new Bundle(secrets, signal);
        const opsClient = new OpsClient(target, signal);
        const asked = {
          ...target,
          registry,
          redisUrl: (flags.redisUrl ?? env.REDIS_URL) || undefined,
          shards: Number(env.TOOLGATE_SHARDS ?? 0) || 0,
          ops: flags.ops?.map((address) => opsAddress(address)) ?? [opsAddress()],
          logFile: flags.logFile ?? env.TOOLGATE_LOG_FILE ?? "",
          logLines: flags.logLines ?? 0,
          auditFrom: new Date(Date.now() - (flags.since ?? DAY_MS)),
          auditRecords: flags.auditRecords ?? 0,
        };
        await gather(asked, { bundle, opsClient, secrets, output, signal });
        const { files, missing } = bundle;
        await bundle.add("contents.json", "what is in the bundle, and what is missing", () => ({
          format: 1,
          files,
          missing,
        }));
        const zip = bundle.zip();
        await writePrivateFile(file, zip);
        if (output.json) return output.jsonData({ file, bytes: zip.length, files, missing });
        output.table(
          [{ header: "FILE" }, { header: "BYTES", align: "right" }, { header: "HAS", flexible: true }],
          files.map(({ name, bytes, about }) => [name, String(bytes), about]),
        );
        for (const { name, why } of missing) output.note(`missing: ${name}: ${oneLine(why)}`);
        output.note(`It is in ${file}. Look through it before you pass it on.`);
      });
    });
}
