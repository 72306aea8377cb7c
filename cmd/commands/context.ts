import { resolve } from "node:path";
import { Command } from "commander";
import { parseClientConfig } from "../../src/config/client-config.js";
import { environment } from "../../src/config/environment.js";
import { type ConnectionKey, findConnection, findContext } from "../contexts/connection.js";
import { type Contexts, contextFile, isContextName, readContexts, writeContexts } from "../contexts/context-file.js";
import { UsageError } from "../output/failure.js";
import { clientFlags, inSession, withClientOptions, withJsonOption } from "./session.js";

interface SetFlags {
  readonly nodes?: string;
  readonly ca?: string;
  readonly keyFile?: string;
}

/** `toolgate context`: named connections. */
export function contextCommand(): Command {
  return new Command("context")
    .description(
      "Keeps connections under names, in toolgate/contexts.json of XDG_CONFIG_HOME or ~/.config, which its owner alone can read. " +
        "A command uses --nodes, else --context, else TOOLGATE_NODES, else TOOLGATE_CONTEXT, else the context of " +
        "`toolgate context use`, else 127.0.0.1:7400.",
    )
    .addCommand(listCommand())
    .addCommand(useCommand())
    .addCommand(setCommand())
    .addCommand(removeCommand())
    .addCommand(showCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate context set prod --nodes 10.0.0.5:7400,10.0.0.6:7400 --ca prod.pem
  toolgate context use prod
  toolgate --context staging list
  toolgate context show`,
    );
}

/** Changes the contexts, and gives what they are now. */
async function change(act: (contexts: Contexts) => Contexts): Promise<Contexts> {
  const file = contextFile(environment());
  const changed = act(await readContexts(file));
  await writeContexts(file, changed);
  return changed;
}

function listCommand(): Command {
  return withJsonOption(
    new Command("list").summary("list the contexts").description("Lists the contexts; * stands at the current one."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate context list
  toolgate context list --json | jq -r '.[].name'`,
    )
    .action(async (_flags: object, command: Command) => {
      await inSession(command, async ({ output }) => {
        const { current, contexts } = await readContexts(contextFile(environment()));
        const all = [...contexts].map(([name, context]) => ({ name, ...context, current: name === current }));
        if (output.json) return output.jsonData(all);
        if (all.length === 0) return output.note("There are no contexts; toolgate context set makes one.");
        output.table(
          [{ header: "" }, { header: "NAME" }, { header: "NODES", flexible: true }, { header: "CA", flexible: true }],
          all.map(({ name, nodes, ca, current: isCurrent }) => [isCurrent ? "*" : "", name, nodes, ca]),
        );
      });
    });
}

function useCommand(): Command {
  return withJsonOption(
    new Command("use")
      .summary("use a context from now on")
      .description("Uses a context where no other is given, from now on.")
      .argument("[context]", "its name")
      .option("--none", "Use none from now on."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate context use prod
  toolgate context use --none`,
    )
    .action(async (name: string | undefined, { none = false }: { none?: boolean }, command: Command) => {
      if ((name === undefined) !== none) {
        throw new UsageError("No context is given.", "Name one, or pass --none.");
      }
      await inSession(command, async ({ output }) => {
        await change(({ contexts }) => {
          if (name !== undefined) findContext(contexts, name);
          return { current: name, contexts };
        });
        if (output.json) output.jsonData({ current: name ?? null });
        else output.text(name === undefined ? "No context is used from now on." : `${name} is used from now on.`);
      });
    });
}

function setCommand(): Command {
  return withJsonOption(
    new Command("set")
      .summary("make a context, or change one")
      .description("Makes a context, or changes what is given of one.")
      .argument("<context>", "its name: letters, digits, dots, dashes and underscores")
      .option("--nodes <host:port,…>", "Its nodes, separated by commas; any of them will do.")
      .option("--ca <file>", 'Certificates (PEM) that its TLS is checked against; "" for a plain connection.')
      .option("--key-file <file>", 'The file with the credential to send; "" for none.'),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate context set local --nodes 127.0.0.1:7400
  toolgate context set prod --nodes 10.0.0.5:7400,10.0.0.6:7400 --ca prod.pem
  toolgate context set prod --key-file ~/prod.key
  toolgate context set prod --ca ""`,
    )
    .action(async (name: string, { nodes, ca, keyFile }: SetFlags, command: Command) => {
      if (!isContextName(name)) {
        throw new UsageError(
          `A context cannot be named ${JSON.stringify(name.slice(0, 80))}.`,
          "Take at most 64 letters, digits, dots, dashes and underscores, and begin with a letter or digit.",
        );
      }
      await inSession(command, async ({ output }) => {
        // Refuses what no command could use.
        if (nodes !== undefined) parseClientConfig({ env: {}, flags: { nodes } });
        const { contexts } = await change(({ current, contexts: before }) => {
          const known = before.get(name);
          const chosen = nodes ?? known?.nodes;
          if (chosen === undefined) {
            throw new UsageError(`No nodes are given for ${name}.`, "Pass --nodes host:port.");
          }
          const key = pathOf(keyFile, known?.keyFile);
          const changed = { nodes: chosen, ca: pathOf(ca, known?.ca), ...(key === "" ? {} : { keyFile: key }) };
          return { current, contexts: new Map([...before, [name, changed]]) };
        });
        if (output.json) return output.jsonData({ name, ...contexts.get(name) });
        output.text(`${name} is set.`);
        output.note(`toolgate context use ${name}`);
      });
    });
}

/** Where the credential comes from, for people. */
function keyText(key: ConnectionKey): string {
  switch (key.kind) {
    case "file":
      return `${key.path}, by ${key.origin}`;
    case "variable":
      return "TOOLGATE_KEY";
    case "login":
      return "the login: toolgate whoami shows whose";
    case "found":
      return "none, but the key file of nodes on this machine";
    default:
      return key satisfies never;
  }
}

/** A file's absolute path: the given one, empty for none, else the one that was there. */
function pathOf(given: string | undefined, known = ""): string {
  if (given === undefined) return known;
  return given === "" ? "" : resolve(given);
}

function removeCommand(): Command {
  return withJsonOption(
    new Command("remove")
      .summary("delete a context")
      .description("Deletes a context.")
      .argument("<context>", "its name"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate context remove staging`,
    )
    .action(async (name: string, _flags: object, command: Command) => {
      await inSession(command, async ({ output }) => {
        let wasCurrent = false;
        await change(({ current, contexts }) => {
          findContext(contexts, name);
          wasCurrent = current === name;
          const left = new Map(contexts);
          left.delete(name);
          return { current: wasCurrent ? undefined : current, contexts: left };
        });
        if (output.json) return output.jsonData({ name, removed: true });
        output.text(`${name} is deleted${wasCurrent ? "; it was the one in use, and none is now" : ""}.`);
      });
    });
}

function showCommand(): Command {
  return withClientOptions(
    new Command("show")
      .summary("show the connection that commands use")
      .description("Shows the connection that a command with the same options uses, and what decides that."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate context show
  toolgate context show --context prod
  toolgate context show --json | jq -r .nodes[]`,
    )
    .action(async (_flags: object, command: Command) => {
      await inSession(command, async ({ output }) => {
        const { context, nodes, ca, key, origin } = await findConnection(clientFlags(command), environment());
        if (output.json) return output.jsonData({ context: context ?? null, nodes, ca, key: key.kind, origin });
        const name = context === undefined ? "none" : context;
        output.text(
          `context  ${name}, by ${origin}\nnodes    ${nodes.join(", ")}\nca       ${ca === "" ? "none: no TLS" : ca}\nkey      ${keyText(key)}`,
        );
      });
    });
}
