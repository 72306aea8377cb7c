import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { environment } from "../src/config/environment.js";
import { PACKAGE_ROOT } from "../src/local-cluster/package-root.js";
import { withClientOptions } from "./commands/session.js";
import { EXIT_CODES } from "./output/exit-codes.js";
import { textColumns, wrap } from "./output/text-width.js";

/** A command as the program knows it before it is loaded. */
interface Entry {
  /** What the program's help says of it. */
  readonly summary: string;
  /** Not shown by the program's help: for programs. */
  readonly hidden?: boolean;
  readonly load: () => Promise<Command>;
}

/**
 * Every command by its name, under the headings of the help text.
 *
 * The program's help and version load none of them, and each command loads what its work needs when it runs, not when it is
 * described: a node, Redis, gRPC and MCP take hundreds of milliseconds of CPU to load. test/cmd/loading.test.ts holds this.
 */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  "Nodes:": {
    serve: {
      summary: "run one gateway node",
      load: async () => (await import("./commands/serve.js")).serveCommand(),
    },
    dev: {
      summary: "run a cluster on this machine, with its own Redis, for trying things",
      load: async () => (await import("./commands/dev.js")).devCommand(),
    },
    health: {
      summary: "say whether the node that runs here serves",
      load: async () => (await import("./commands/health.js")).healthCommand(),
    },
    doctor: {
      summary: "check the set-up and say what to do",
      load: async () => (await import("./commands/doctor.js")).doctorCommand(),
    },
    "log-level": {
      summary: "show or change what a running node logs",
      load: async () => (await import("./commands/log-level.js")).logLevelCommand(),
    },
    support: {
      summary: "gather what others need to find a fault, without secrets",
      load: async () => (await import("./commands/support.js")).supportCommand(),
    },
  },
  "Toolsets:": {
    mcp: {
      summary: "serve the registry's tools to a client of MCP on stdin and stdout",
      load: async () => (await import("./commands/mcp.js")).mcpCommand(),
    },
    list: {
      summary: "list the toolsets",
      load: async () => (await import("./commands/list.js")).listCommand(),
    },
    get: {
      summary: "show a toolset and its tools",
      load: async () => (await import("./commands/get.js")).getCommand(),
    },
    search: {
      summary: "find toolsets and tools by words",
      load: async () => (await import("./commands/search.js")).searchCommand(),
    },
    watch: {
      summary: "show changes as they happen",
      load: async () => (await import("./commands/watch.js")).watchCommand(),
    },
  },
  "Calls:": {
    call: {
      summary: "call a tool",
      load: async () => (await import("./commands/call.js")).callCommand(),
    },
    calls: {
      summary: "list, look at, follow and cancel calls",
      load: async () => (await import("./commands/calls.js")).callsCommand(),
    },
    dead: {
      summary: "look at calls that were given up, and make them again",
      load: async () => (await import("./commands/dead.js")).deadCommand(),
    },
  },
  "Access:": {
    access: {
      summary: "manage keys, people, tenants, roles and shares",
      load: async () => (await import("./commands/access.js")).accessCommand(),
    },
    audit: {
      summary: "show what was decided and changed, by whom",
      load: async () => (await import("./commands/audit.js")).auditCommand(),
    },
    explain: {
      summary: "say whether a call would be admitted, and why not",
      load: async () => (await import("./commands/explain.js")).explainCommand(),
    },
    policy: {
      summary: "try roles without a registry",
      load: async () => (await import("./commands/policy.js")).policyCommand(),
    },
    login: {
      summary: "open a session by name and password",
      load: async () => (await import("./commands/login.js")).loginCommand(),
    },
    logout: {
      summary: "end it",
      load: async () => (await import("./commands/logout.js")).logoutCommand(),
    },
    whoami: {
      summary: "show who the registry takes you for",
      load: async () => (await import("./commands/whoami.js")).whoamiCommand(),
    },
  },
  "Connections and shells:": {
    context: {
      summary: "keep connections under names",
      load: async () => (await import("./commands/context.js")).contextCommand(),
    },
    completion: {
      summary: "write a script for the completion of a shell",
      load: async () => (await import("./commands/completion.js")).completionCommand(),
    },
    complete: {
      summary: "say what may be typed next",
      hidden: true,
      load: async () => (await import("./commands/complete.js")).completeCommand(buildProgram),
    },
  },
  "Providers:": {
    mount: {
      summary: "serve an MCP server's tools",
      load: async () => (await import("./commands/mount.js")).mountCommand(),
    },
    "mount-http": {
      summary: "serve an HTTP server's operations",
      load: async () => (await import("./commands/mount-http.js")).mountHttpCommand(),
    },
    bundle: {
      summary: "make a schema self-contained",
      load: async () => (await import("./commands/bundle.js")).bundleCommand(),
    },
    promote: {
      summary: "let a candidate epoch take over now",
      load: async () => (await import("./commands/promote.js")).promoteCommand(),
    },
    unregister: {
      summary: "remove a toolset",
      load: async () => (await import("./commands/unregister.js")).unregisterCommand(),
    },
  },
};

/**
 * The command line for some arguments. Faults of use are thrown as CommanderErrors, not printed.
 *
 * @param args what follows the program's name; only the command that they name is loaded
 * @param columns that help is broken to; those of the terminal when absent
 */
export async function buildProgram(
  args: readonly string[],
  columns: number = textColumns(process.stdout, environment()),
): Promise<Command> {
  const program = withClientOptions(
    new Command("toolgate")
      .description("A clustered tool-registry gateway over gRPC.")
      .version(packageVersion(), "-V, --version", "Show the version.")
      .helpOption("-h, --help", "Show help; also after each command.")
      .enablePositionalOptions()
      .exitOverride()
      .configureHelp({ subcommandTerm: (command) => command.name() })
      // How a fault of use is reported is decided in one place, toolgate.ts.
      .configureOutput({ outputError: () => {}, getOutHelpWidth: () => columns, getErrHelpWidth: () => columns }),
  ).addHelpText("after", () => helpTail(columns));
  const named = commandIn(program, args);
  for (const [heading, group] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [name, { summary, hidden = false, load }] of Object.entries(group)) {
      const command = (name === named ? await load() : new Command(name)).summary(summary);
      program.addCommand(inherit(command, program), { hidden });
    }
  }
  const help = new Command("help").argument("[command]").helpOption(false).description("show help for a command");
  return program.addHelpCommand(help.helpGroup("Help:"));
}

/** The command that the arguments name, for its work or for its help: the first one that is no option, nor an option's value. */
function commandIn(program: Command, args: readonly string[]): string | undefined {
  let valueNext = false;
  for (const arg of args) {
    if (valueNext) valueNext = false;
    else if (arg.startsWith("-")) valueNext = program.options.some(({ long, required }) => required && long === arg);
    else if (arg !== "help") return arg;
  }
  return undefined;
}

/** Commands are made before they have a parent, so its settings are handed down when they are added. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

function helpTail(columns: number): string {
  const indent = 7;
  const codes = Object.values(EXIT_CODES).flatMap(({ code, meaning }) =>
    wrap(meaning, columns - indent).map((line, index) =>
      index === 0 ? `  ${String(code).padStart(3)}  ${line}` : `${" ".repeat(indent)}${line}`,
    ),
  );
  return `
Exit status:
${codes.join("\n")}

Examples:
  toolgate dev
  toolgate mount --name files -- \\
    npx -y @modelcontextprotocol/server-filesystem .
  toolgate list
  toolgate call files list_directory path=.`;
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));
  const { version } = manifest as { version?: string }; // our own file
  return version ?? "unknown";
}
