import type { Command } from "commander";
import { CLIENT_SETTINGS } from "../../src/config/client-schema.js";
import { environment } from "../../src/config/environment.js";
import type { ConnectOptions, Toolgate } from "../../src/index.js";
import { type ConnectionFlags, findConnection } from "../contexts/connection.js";
import { type ConnectionTarget, connectionTo } from "../contexts/connection-target.js";
import { watchInterrupts } from "../output/interrupted.js";
import { Output } from "../output/output.js";
import { safeLines } from "../output/text-width.js";
import { withSettings } from "./setting-options.js";

/** Options that every command of a client takes, before or after its name. */
export interface ClientFlags extends ConnectionFlags {
  readonly json?: boolean;
}

/** What a command has to work with. */
export interface Session {
  readonly output: Output;
  /** Aborts with an Interrupted at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Adds the options that lead to a cluster, and --json. */
export function withClientOptions(command: Command): Command {
  return withJsonOption(
    withSettings(command, CLIENT_SETTINGS).option(
      "--insecure-key",
      "Send the credential to other machines without TLS, too.",
    ),
  );
}

/** Adds --json. */
export function withJsonOption(command: Command): Command {
  return command.option("--json", "Write JSON to stdout, and nothing else; failures as JSON to stderr.");
}

/** The options of a command, of its group and of the program; what stands last on the line wins. */
export function clientFlags(command: Command): ClientFlags {
  return { ...(command.parent === null ? {} : clientFlags(command.parent)), ...command.opts<ClientFlags>() };
}

/** Runs a command's work, which Ctrl-C aborts. */
export async function inSession<T>(command: Command, work: (session: Session) => Promise<T>): Promise<T> {
  const interrupts = watchInterrupts();
  const { json = false } = clientFlags(command);
  const output = new Output(json, process.stdout, process.stderr, environment());
  try {
    return await work({ output, signal: interrupts.signal });
  } finally {
    interrupts.stop();
  }
}

/** Runs a command's work with a client, and closes that. */
export async function withClient<T>(
  command: Command,
  work: (client: Toolgate, session: Session) => Promise<T>,
  options: Pick<ConnectOptions, "patienceMs"> = {},
): Promise<T> {
  return await inSession(command, (session) =>
    withClientIn(session, command, (client) => work(client, session), options),
  );
}

/** The same within a session that is there already. */
export async function withClientIn<T>(
  { output, signal }: Session,
  command: Command,
  work: (client: Toolgate) => Promise<T>,
  options: Pick<ConnectOptions, "patienceMs"> = {},
): Promise<T> {
  const { nodes, options: target } = await readClientConfig(command);
  const { connect } = await import("../../src/sdk/connect.js"); // by what runs, not by what shows its help
  const client = await output.withProgress(`Connecting to ${nodes.join(", ")}`, () =>
    connect(nodes, {
      ...target,
      ...options,
      signal,
      onWarning: ({ message }) => output.diagnostic(`warning: ${safeLines(message)}`),
    }),
  );
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/**
 * Reads where the cluster is.
 * @throws ToolgateError INVALID_CONFIG
 */
export async function readClientConfig(command: Command): Promise<ConnectionTarget> {
  return await connectionTo(await findConnection(clientFlags(command), environment()));
}
