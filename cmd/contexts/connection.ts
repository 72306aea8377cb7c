import { parseClientConfig } from "../../src/config/client-config.js";
import type { Environment } from "../../src/config/environment.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { nearestWord } from "../../src/identity/nearest-word.js";
import { UsageError } from "../output/failure.js";
import { type Context, contextFile, readContexts } from "./context-file.js";

/** What a command line says of the connection. */
export interface ConnectionFlags {
  readonly nodes?: string;
  readonly ca?: string;
  readonly context?: string;
}

/** The connection that a command uses, and what decided that. */
export interface Connection {
  readonly nodes: readonly string[];
  /** The path of the certificates for TLS; empty for a plain connection. */
  readonly ca: string;
  /** The context that it is, if it is one. */
  readonly context: string | undefined;
  /** What named it, for people. */
  readonly origin: string;
}

/**
 * Finds the connection. What stands on the command line wins over variables, those over the current context, and that over the
 * default: --nodes; --context; TOOLGATE_NODES; TOOLGATE_CONTEXT; `toolgate context use`; 127.0.0.1:7400.
 *
 * A context is used whole or not at all, so that one cluster's certificates never go with another one's nodes; --ca replaces its
 * certificates, and so does TOOLGATE_CA for a context that the command line does not name.
 *
 * @throws ToolgateError INVALID_CONFIG
 */
export async function findConnection(
  { nodes: nodesFlag, ca: caFlag, context: contextFlag }: ConnectionFlags,
  env: Environment,
): Promise<Connection> {
  const { nodes, ca, context } = parseClientConfig({
    env,
    flags: { nodes: nodesFlag, ca: caFlag, context: contextFlag },
  });
  if (nodesFlag !== undefined && contextFlag !== undefined) {
    throw new UsageError("--nodes and --context were both given.", "Leave one of them out.");
  }
  if (nodesFlag !== undefined) return { nodes, ca, context: undefined, origin: "--nodes" };
  if (contextFlag === undefined && (env.TOOLGATE_NODES ?? "") !== "") {
    return { nodes, ca, context: undefined, origin: "TOOLGATE_NODES" };
  }
  const file = contextFile(env);
  const { current, contexts } = await readContexts(file);
  const name = context === "" ? current : context;
  if (name === undefined) return { nodes, ca, context: undefined, origin: "the default" };
  const found = findContext(contexts, name);
  const origin = contextFlag !== undefined ? "--context" : context !== "" ? "TOOLGATE_CONTEXT" : "toolgate context use";
  return {
    nodes: nodesOf(file, name, found),
    ca: caFlag ?? (contextFlag === undefined && ca !== "" ? ca : found.ca),
    context: name,
    origin,
  };
}

/** A context by its name. @throws ToolgateError INVALID_CONFIG, with what is near */
export function findContext(contexts: ReadonlyMap<string, Context>, name: string): Context {
  const found = contexts.get(name);
  if (found !== undefined) return found;
  const near = nearestWord(name, [...contexts.keys()]);
  const hint = near === undefined ? "toolgate context list shows those that there are" : `did you mean ${near}?`;
  throw new ToolgateError("INVALID_CONFIG", `There is no context ${JSON.stringify(name.slice(0, 80))}; ${hint}.`);
}

function nodesOf(file: string, name: string, { nodes }: Context): readonly string[] {
  try {
    return parseClientConfig({ env: {}, flags: { nodes } }).nodes;
  } catch {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The context ${name} in ${file} has no good nodes. Set them again: toolgate context set ${name} --nodes host:port`,
    );
  }
}
