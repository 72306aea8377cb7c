import { parseClientConfig } from "../../src/config/client-config.js";
import type { Environment } from "../../src/config/environment.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { nearestWord } from "../../src/identity/nearest-word.js";
import { UsageError } from "../output/failure.js";
import { type Context, contextFile, readContexts } from "./context-file.js";
import { loginFile, readLogin } from "./login-file.js";

/** What a command line says of the connection. */
export interface ConnectionFlags {
  readonly nodes?: string;
  readonly ca?: string;
  readonly keyFile?: string;
  readonly insecureKey?: boolean;
  readonly context?: string;
}

/** Where the credential comes from. */
export type ConnectionKey =
  /** The first line of a file. */
  | { readonly kind: "file"; readonly path: string; readonly origin: string }
  /** The variable TOOLGATE_KEY. */
  | { readonly kind: "variable" }
  /** What `toolgate login` has kept. */
  | { readonly kind: "login"; readonly path: string }
  /** Nothing names one: the key file of the nodes of this machine, or none. */
  | { readonly kind: "found" };

/** The connection that a command uses, and what decided that. */
export interface Connection {
  readonly nodes: readonly string[];
  /** The path of the certificates for TLS; empty for a plain connection. */
  readonly ca: string;
  readonly key: ConnectionKey;
  /** The key may go to other machines without TLS. */
  readonly insecureKey: boolean;
  /** The context that it is, if it is one. */
  readonly context: string | undefined;
  /** What named it, for people. */
  readonly origin: string;
}

/**
 * Finds the connection. What stands on the command line wins over variables, those over the current context, and that over the
 * default: --nodes; --context; TOOLGATE_NODES; TOOLGATE_CONTEXT; `toolgate context use`; 127.0.0.1:7400.
 *
 * The credential: --key-file; TOOLGATE_KEY; TOOLGATE_KEY_FILE; a login; the context's key file; what is found for nodes of this machine.
 *
 * A context is used whole or not at all, so that one cluster's certificates never go with another one's nodes; --ca replaces its
 * certificates, and so does TOOLGATE_CA for a context that the command line does not name.
 *
 * @throws ToolgateError INVALID_CONFIG
 */
export async function findConnection(flags: ConnectionFlags, env: Environment): Promise<Connection> {
  const { insecureKey = false, keyFile } = flags;
  const place = await findPlace(flags, env);
  return { ...place, key: await findKey(place, keyFile, env), insecureKey };
}

interface Place extends Pick<Connection, "nodes" | "ca" | "context" | "origin"> {
  readonly contextKeyFile?: string;
}

async function findKey(
  { contextKeyFile = "", ...place }: Place,
  keyFileFlag: string | undefined,
  env: Environment,
): Promise<ConnectionKey> {
  if (keyFileFlag !== undefined && keyFileFlag !== "") return { kind: "file", path: keyFileFlag, origin: "--key-file" };
  const { TOOLGATE_KEY: variable = "", TOOLGATE_KEY_FILE: path = "" } = env;
  if (variable !== "") return { kind: "variable" };
  if (path !== "") return { kind: "file", path, origin: "TOOLGATE_KEY_FILE" };
  const login = loginFile(place, env);
  if ((await readLogin(login)) !== undefined) return { kind: "login", path: login };
  if (contextKeyFile !== "") return { kind: "file", path: contextKeyFile, origin: `the context ${place.context}` };
  return { kind: "found" };
}

async function findPlace(
  { nodes: nodesFlag, ca: caFlag, keyFile: keyFileFlag, context: contextFlag }: ConnectionFlags,
  env: Environment,
): Promise<Place> {
  const { nodes, ca, context } = parseClientConfig({
    env,
    flags: { nodes: nodesFlag, ca: caFlag, keyFile: keyFileFlag, context: contextFlag },
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
    ...(found.keyFile === undefined ? {} : { contextKeyFile: found.keyFile }),
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
