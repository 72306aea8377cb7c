#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { environment } from "../src/config/environment.js";
import { withClientOptions } from "./commands/session.js";
import { PACKAGE_ROOT } from "./local/package-root.js";
import { EXIT_CODES } from "./output/exit-codes.js";
import { failureJson, failureOf, failureText } from "./output/failure.js";
import { painter, showsColours } from "./output/paint.js";

/** Every command by its name, under the headings of the help text. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<Command>>>>> = {
  "Nodes:": {
    serve: async () => (await import("./commands/serve.js")).serveCommand(),
    dev: async () => (await import("./commands/dev.js")).devCommand(),
    doctor: async () => (await import("./commands/doctor.js")).doctorCommand(),
  },
  "Toolsets:": {
    list: async () => (await import("./commands/list.js")).listCommand(),
    get: async () => (await import("./commands/get.js")).getCommand(),
    search: async () => (await import("./commands/search.js")).searchCommand(),
    watch: async () => (await import("./commands/watch.js")).watchCommand(),
  },
  "Calls:": {
    call: async () => (await import("./commands/call.js")).callCommand(),
    follow: async () => (await import("./commands/follow.js")).followCommand(),
    cancel: async () => (await import("./commands/cancel.js")).cancelCommand(),
    dead: async () => (await import("./commands/dead.js")).deadCommand(),
  },
  "Providers:": {
    mount: async () => (await import("./commands/mount.js")).mountCommand(),
    promote: async () => (await import("./commands/promote.js")).promoteCommand(),
    unregister: async () => (await import("./commands/unregister.js")).unregisterCommand(),
  },
};

/**
 * The command line. Faults of use are thrown as CommanderErrors, not printed.
 *
 * @param first the first word: when it names a command, the others are not even loaded, since a node brings much along
 */
async function buildProgram(first: string | undefined): Promise<Command> {
  const program = withClientOptions(
    new Command("toolgate")
      .description("A clustered tool-registry gateway over gRPC.")
      .version(packageVersion(), "-V, --version", "Show the version.")
      .helpOption("-h, --help", "Show help; also after each command.")
      .enablePositionalOptions()
      .exitOverride()
      // What a fault of use is told as is decided in one place, below.
      .configureOutput({ outputError: () => {} }),
  ).addHelpText("after", helpTail());
  if (first === "--version" || first === "-V") return program;
  const only = Object.values(COMMANDS).some((group) => first !== undefined && Object.hasOwn(group, first))
    ? first
    : undefined;
  for (const [heading, group] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(group)) {
      if (only === undefined || only === name) program.addCommand(inherit(await load(), program));
    }
  }
  const help = new Command("help").argument("[command]").helpOption(false).description("show help for a command");
  return program.addHelpCommand(help.helpGroup("Help:"));
}

/** Commands are made before they have a parent, so its settings are handed down when they are added. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

function helpTail(): string {
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `
Exit status:
${codes.join("\n")}

Examples:
  toolgate dev
  toolgate mount --name files -- npx -y @modelcontextprotocol/server-filesystem .
  toolgate list
  toolgate call files list_directory '{"path": "."}'`;
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));
  const { version } = manifest as { version?: string }; // our own file
  return version ?? "unknown";
}

/** Tells a failure, and gives the exit status. */
function tell(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help")) {
    // Help or the version was shown: as it was asked for, or because nothing was.
    return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.badInput.code;
  }
  const failure = failureOf(error);
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const paint = painter(showsColours(process.stderr, environment()));
  process.stderr.write(`${own.includes("--json") ? failureJson(failure) : failureText(failure, paint)}\n`);
  return failure.exitCode;
}

/** Whoever reads our output may stop reading: there is nobody left to tell then. Any other fault of writing is told once. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_CODES.ok.code);
    if (stream === process.stdout) process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
    process.exit(EXIT_CODES.internal.code);
  });
}

const args = process.argv.slice(2);
try {
  const program = await buildProgram(args[0]);
  await program.parseAsync(args, { from: "user" });
} catch (error) {
  process.exitCode = tell(error, args);
}
// What is left open must not keep a finished command from ending; what was written must arrive first.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.write("", () => resolve());
  });
}
process.exit();
