import { Command } from "commander";
import { environment } from "../../../src/config/environment.js";
import { checkPrivateFile, writePrivateFile } from "../../../src/config/private-file.js";
import { UsageError } from "../../output/failure.js";
import { longDuration } from "../option-values.js";
import { inSession, withJsonOption } from "../session.js";

interface InitFlags {
  readonly redisUrl?: string;
  readonly registry?: string;
  readonly ttl?: number;
  readonly output?: string;
  readonly force?: boolean;
}

/** `toolgate access init`: the first administrator, made where Redis is. */
export function initCommand(): Command {
  return withJsonOption(
    new Command("init")
      .summary("make the first administrator's key, in Redis")
      .description(
        "Makes a key of an administrator of the registry and all of its tenants, in Redis itself: for a registry that has none yet, and, " +
          "with --force, for one whose administrators have lost their keys. The key alone goes to standard output. From then on " +
          "nodes ask everybody who they are, unless TOOLGATE_AUTH says none.",
      )
      .argument("[principal]", "its name", "admin")
      .option("--redis-url <url>", "The nodes' Redis, as they log in there [REDIS_URL].")
      .option("--registry <name>", "The registry's name [TOOLGATE_REGISTRY, else default].")
      .option("--ttl <time>", "How long the key holds, such as 12h or 90d; for ever when absent.", longDuration)
      .option("-o, --output <file>", "Write the key to this file, which its owner alone can read.")
      .option("--force", "Make it also where there is an administrator."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate access init --redis-url redis://10.0.0.9:6379 -o admin.key
  toolgate whoami --key-file admin.key
  toolgate access init rescue --force --ttl 1h -o rescue.key`,
    )
    .action(async (principal: string, flags: InitFlags, command: Command) => {
      const { redisUrl = environment().REDIS_URL ?? "", registry, ttl = 0, output: file, force = false } = flags;
      if (redisUrl === "") throw new UsageError("No Redis is given.", "Pass --redis-url, or set REDIS_URL.");
      await inSession(command, async ({ output }) => {
        if (file !== undefined) await checkPrivateFile(file);
        const { makeAdministrator } = await import("./make-administrator.js"); // Redis's client, and what nodes know of documents
        const made = await output.withProgress("Making the key in Redis", () =>
          makeAdministrator({
            redisUrl,
            ...(registry === undefined ? {} : { registry }),
            principal,
            ttlMs: ttl,
            force,
          }),
        );
        const { text, id, expiresAtMs } = made;
        if (file !== undefined) await writePrivateFile(file, `${text}\n`);
        const expiresAt = expiresAtMs === 0 ? undefined : new Date(expiresAtMs);
        if (output.json) {
          return output.jsonData({
            principal,
            keyId: id,
            expiresAt,
            ...(file === undefined ? { key: text } : { file }),
          });
        }
        if (file === undefined) output.text(text);
        const where = file === undefined ? "it is shown this once" : `it is in ${file}`;
        output.note(`Key ${id} of the administrator ${principal}; ${where}.`);
      });
    });
}
