import type { Command, Option } from "commander";
import { environment } from "../../src/config/environment.js";
import type { Toolgate } from "../../src/index.js";
import { type ConnectionFlags, findConnection } from "../contexts/connection.js";
import { connectionTo } from "../contexts/connection-target.js";
import { contextFile, readContexts } from "../contexts/context-file.js";
import { summarize } from "../output/schema-summary.js";

/** Something that may be typed, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** How long a cluster may take to say its names, in milliseconds: a user waits with a finger on the key. */
const PATIENCE_MS = 1_500;
/** The most names that are offered. */
const MOST = 200;
/** What is offered is typed into a shell as it is: of what a cluster says only that which no shell takes for anything else. */
const SHELL_SAFE = /^[A-Za-z0-9_][A-Za-z0-9_./-]*=?$/;

/** What stands on the line before the word that is being typed. */
interface Line {
  readonly command: Command;
  /** What it is given, without options. */
  readonly given: readonly string[];
  /** The values of options, by their long names without dashes. */
  readonly options: Readonly<Record<string, string>>;
  /** The option whose value is being typed. */
  readonly open: Option | undefined;
  /** Options are over: `--` stands before. */
  readonly literal: boolean;
}

/**
 * What may be typed where the last word stands.
 *
 * @param words what follows the program's name; the last one is being typed
 * @param build makes the command line for some words
 */
export async function candidatesFor(
  words: readonly string[],
  build: (args: readonly string[]) => Promise<Command>,
): Promise<Candidate[]> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  const line = readLine(await build(before), before);
  const fitting = (all: readonly Candidate[]): Candidate[] => all.filter(({ value }) => value.startsWith(typed));
  if (line.open !== undefined) {
    const { argChoices, long } = line.open;
    return fitting(argChoices?.map(named) ?? (await valuesOf(long?.slice(2) ?? "", line)));
  }
  if (line.literal) return [];
  if (typed.startsWith("-")) return fitting(optionsOf(line.command));
  if (line.command.commands.length > 0) {
    return line.given.length > 0 ? [] : fitting(commandsOf(line.command));
  }
  const { registeredArguments } = line.command;
  const argument = registeredArguments[line.given.length] ?? registeredArguments.findLast(({ variadic }) => variadic);
  if (argument === undefined) return [];
  return fitting(argument.argChoices?.map(named) ?? (await valuesOf(argument.name(), line)));
}

function readLine(program: Command, words: readonly string[]): Line {
  let command = program;
  let open: Option | undefined;
  let literal = false;
  const given: string[] = [];
  const options: Record<string, string> = {};
  for (const word of words) {
    if (open !== undefined) {
      options[open.long?.slice(2) ?? ""] = word;
      open = undefined;
    } else if (literal) given.push(word);
    else if (word === "--") literal = true;
    else if (word.startsWith("-") && word !== "-") {
      const [name = "", value] = word.split(/=(.*)/s);
      const option = command.options.find(({ long, short }) => long === name || short === name);
      if (option?.required && value === undefined) open = option;
      else if (option?.required && value !== undefined) options[option.long?.slice(2) ?? ""] = value;
    } else {
      const inner = given.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (inner !== undefined) command = inner;
      // After help comes a command again.
      else if (word !== "help" || given.length > 0 || command.commands.length === 0) given.push(word);
    }
  }
  return { command, given, options, open, literal };
}

function commandsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), description: one.summary() || one.description() }));
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (typeof long === "string" ? [{ value: long, description }] : []));
}

const named = (value: string): Candidate => ({ value, description: "" });

/** The values of an argument or an option, by its name; none for what is free text or a file. */
async function valuesOf(name: string, line: Line): Promise<Candidate[]> {
  const { given, options } = line;
  switch (name) {
    case "toolset":
    case "toolsets":
      return await fromCluster(line, async (client, signal) => {
        const found: Candidate[] = [];
        for await (const { name: toolset, title, description } of client.list({ signal })) {
          found.push({ value: toolset, description: title === "" ? description : title });
          if (found.length === MOST) break;
        }
        return found;
      });
    case "tool": {
      const toolset = given[0] ?? options.toolset;
      if (toolset === undefined) return [];
      return await fromCluster(line, async (client, signal) => {
        const { tools } = await client.get(toolset, { signal });
        return tools.map((tool) => ({
          value: tool.name,
          description: tool.title === "" ? tool.description : tool.title,
        }));
      });
    }
    case "payload": {
      const [toolset, tool] = given;
      if (toolset === undefined || tool === undefined) return [];
      return await fromCluster(line, async (client, signal) => {
        const { tools } = await client.get(toolset, { signal });
        const { properties } = summarize(tools.find((one) => one.name === tool)?.payload ?? true);
        return properties.map(({ name: key, type, description }) => ({
          value: `${key}=`,
          description: `${type} ${description}`,
        }));
      });
    }
    case "callId":
      return await fromCluster(line, async (client, signal) => {
        const found: Candidate[] = [];
        for await (const { callId, toolset, tool, state } of client.listCalls({ signal })) {
          found.push({ value: callId, description: `${tool} of ${toolset}, ${state}` });
          if (found.length === MOST) break;
        }
        return found;
      });
    case "id": {
      const [toolset] = given;
      if (toolset === undefined) return [];
      return await fromCluster(line, async (client, signal) => {
        const found: Candidate[] = [];
        for await (const { id, tool } of client.deadCalls(toolset, { signal })) {
          found.push({ value: id, description: tool });
          if (found.length === MOST) break;
        }
        return found;
      });
    }
    case "context": {
      const { contexts } = await readContexts(contextFile(environment()));
      return [...contexts].map(([value, { nodes }]) => ({ value, description: nodes }));
    }
    default:
      return [];
  }
}

/** Those of a cluster's candidates that can be offered: a shell gives them to the line as they are, and would run what is in them. */
export function shellSafe(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ value }) => SHELL_SAFE.test(value));
}

/** Asks a cluster, which the line itself may name. @throws what kept it from answering in time */
async function fromCluster(
  { options: { nodes, ca, keyFile, context } }: Line,
  ask: (client: Toolgate, signal: AbortSignal) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  const flags: ConnectionFlags = {
    ...(nodes === undefined ? {} : { nodes }),
    ...(ca === undefined ? {} : { ca }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(context === undefined ? {} : { context }),
  };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { connect } = await import("../../src/sdk/connect.js"); // most completions need no cluster
  const { nodes: addresses, options } = await connectionTo(await findConnection(flags, environment()));
  const limits = { signal, connectTimeoutMs: PATIENCE_MS, patienceMs: PATIENCE_MS };
  const client = await connect(addresses, { ...limits, ...options });
  try {
    return shellSafe(await ask(client, signal));
  } finally {
    await client.close();
  }
}
