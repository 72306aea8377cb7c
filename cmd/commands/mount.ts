import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import type { Mount } from "../../src/hosting/mount.js";
import type { MountOptions } from "../../src/hosting/mount-options.js";
import type { SchemaDocuments } from "../../src/index.js";
import { UsageError } from "../output/failure.js";
import type { Output } from "../output/output.js";
import { terminalLog } from "../output/terminal-log.js";
import { concludeMount, counted, leftOut } from "./mount-outcome.js";
import { duration, integer, words } from "./option-values.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface MountFlags {
  readonly name: string;
  readonly version?: string;
  readonly versionFromContract?: boolean;
  readonly title?: string;
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly idempotent?: readonly string[];
  readonly idempotentAll?: boolean;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly schemaDocument?: readonly string[];
  readonly maxInFlight?: number;
  readonly replace?: boolean;
  readonly providerId?: string;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly startTimeout?: number;
  readonly patience?: number;
}

/** Node cannot reap processes that are not its children. */
const AS_INIT =
  "toolgate runs as process 1, so what the server's processes leave behind stays as zombies: use an init (tini, or docker run --init).";

/** `toolgate mount`: any MCP server over stdio as a toolset. */
export function mountCommand(): Command {
  return withClientOptions(
    new Command("mount")
      .description(
        "Runs an MCP server over stdio and registers its tools as a toolset, until Ctrl-C. A server that dies is started " +
          "again; nothing of it outlives the mount. The result of a tool is the MCP answer: content, and structuredContent " +
          "where the tool has a schema for it. An answer with isError is a tool error.",
      )
      .argument("<command...>", 'the server\'s command and its arguments, after "--"')
      .requiredOption("--name <name>", "The toolset's name.")
      .option("--version <semver>", "The toolset's version; the server's own when absent.")
      .option("--version-from-contract", "A version that follows from the tools, for servers whose own never moves.")
      .option("--title <text>", "The toolset's title; the server's own when absent.")
      .option("--description <text>", "What the toolset is for; the server's instructions when absent.")
      .option("--tag <tag>", "A tag of the toolset; repeat it for several.", words)
      .option(
        "--idempotent <tools>",
        "Tools that may be run again when their provider was lost, separated by commas.",
        words,
      )
      .option("--idempotent-all", "All tools may be run again. The server's own hints never decide this.")
      .option("--only <tools>", "Only these tools, separated by commas.", words)
      .option("--skip <tools>", "Not these tools, separated by commas.", words)
      .option(
        "--schema-document <[address=]file>",
        "A document that schemas of tools refer to, known by its $id or the address. Repeat it.",
        collect,
      )
      .option("--max-in-flight <n>", "The most calls at once.", integer(1, 10_000))
      .option("--replace", "Register also when another contract of the same or a higher version is there.")
      .option("--provider-id <id>", "A stable name of this provider; random when absent.")
      .option(
        "--env <NAME[=value]>",
        "A variable for the server; without a value, this process's own. Repeat it.",
        collect,
      )
      .option("--cwd <folder>", "The folder to run the server in.")
      .option("--start-timeout <time>", "How long the server may take to start; 2m when absent.", duration)
      .option(
        "--patience <time>",
        "How long it may answer nothing at all, no ping either, until it is started again; 5m when absent. off: for ever.",
        (value) => (value === "off" ? 0 : duration(value)),
      ),
  )
    .addHelpText(
      "after",
      `
Tools that the registry does not take are left out and named; the rest is
served. Carried are tools, with progress, cancellation and log messages. Not
yet: prompts, resources, sampling, elicitation, roots, tasks, remote servers.

The server gets HOME, LOGNAME, PATH, SHELL, TERM and USER, and what --env
names; no other variable of this process.

Examples:
  toolgate mount --name files -- \\
    npx -y @modelcontextprotocol/server-filesystem .
  toolgate mount --name files --only read_text_file,list_directory \\
    --idempotent-all -- mcp-server-filesystem .
  toolgate mount --name github --env GITHUB_TOKEN -- github-mcp-server stdio`,
    )
    .action(async (commandLine: readonly string[], flags: MountFlags, command: Command) => {
      await inSession(command, async ({ output, signal }) => {
        if (process.pid === 1) output.note(AS_INIT);
        const { mountMcpServer } = await import("../../src/hosting/mount.js");
        const options = await mountOptions(commandLine, flags, command, output, signal);
        const mount = await output.withProgress(`Starting ${commandLine[0]}`, () => mountMcpServer(options));
        announce(output, mount);
        signal.addEventListener(
          "abort",
          () => output.note("Stopping: calls in hand may end first; Ctrl-C again leaves at once."),
          {
            once: true,
          },
        );
        concludeMount(output, options.name, await mount.closed);
      });
    });
}

async function mountOptions(
  commandLine: readonly string[],
  flags: MountFlags,
  command: Command,
  output: Output,
  signal: AbortSignal,
): Promise<MountOptions> {
  const [program = "", ...args] = commandLine;
  const { nodes, options: target } = await readClientConfig(command);
  const { name, tag, idempotent, idempotentAll, startTimeout, patience, env, schemaDocument, ...rest } = flags;
  if (idempotentAll === true && idempotent !== undefined) {
    throw new UsageError("--idempotent and --idempotent-all were both given.", "Leave one of them out.");
  }
  return {
    ...pick(rest, [
      "version",
      "versionFromContract",
      "title",
      "description",
      "only",
      "skip",
      "maxInFlight",
      "replace",
      "providerId",
      "cwd",
    ]),
    name,
    command: program,
    args,
    nodes,
    env: serverVariables(env ?? []),
    log: terminalLog(output),
    signal,
    ...target,
    ...(schemaDocument === undefined ? {} : { schemaDocuments: await schemaDocuments(schemaDocument) }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(idempotentAll === true ? { idempotent: "all" } : idempotent === undefined ? {} : { idempotent }),
    ...(startTimeout === undefined ? {} : { startTimeoutMs: startTimeout }),
    ...(patience === undefined ? {} : { patienceMs: patience }),
  };
}

async function schemaDocuments(given: readonly string[]): Promise<SchemaDocuments> {
  const { readSchemaDocuments } = await import("./schema-documents.js");
  return readSchemaDocuments(given);
}

function announce(output: Output, { name, registration }: Mount): void {
  if (registration === undefined) return;
  const { version, epoch, digest, tools, skipped } = registration;
  if (output.json) {
    output.jsonData({ event: "mounted", toolset: name, version, epoch, digest, tools, skipped });
    return;
  }
  output.text(
    `${name} ${version} is mounted at epoch ${epoch}: ${counted(tools.length, "tool")}${leftOut(skipped)}. Ctrl-C ends it.`,
  );
}

function serverVariables(given: readonly string[]): Record<string, string> {
  const own = environment();
  return Object.fromEntries(
    given.map((assignment): [string, string] => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(assignment) ?? [];
      if (name === undefined) throw new UsageError("--env takes NAME or NAME=value.", "Look at toolgate mount --help.");
      const found = value ?? own[name];
      if (found === undefined)
        throw new UsageError(`--env ${name}: there is no such variable here.`, "Set it, or write NAME=value.");
      return [name, found];
    }),
  );
}

/** One value per use, commas and all. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** The properties that are there. */
function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  const entries = keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]));
  return Object.fromEntries(entries) as { [P in K]?: Exclude<T[P], undefined> }; // undefined ones were left out above
}
