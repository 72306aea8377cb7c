import { splitAddress } from "./address.js";
import { CLIENT_SCHEMA, CLIENT_SECRETS } from "./client-schema.js";
import { SETTINGS } from "./config.js";
import { readSettings, type Sources } from "./settings.js";

/** How a client reaches its cluster; frozen. */
export interface ClientConfig {
  /** `host:port` of at least one node. */
  readonly nodes: readonly string[];
  /** Path of the certificates (PEM) to check TLS against; empty for plain connections. */
  readonly ca: string;
  /** Path of a file with the credential to send; empty for none. */
  readonly keyFile: string;
  /** The name of a connection that the command line has kept; empty for none. */
  readonly context: string;
}

/**
 * A client's settings from `TOOLGATE_NODES`, `TOOLGATE_CA`, `TOOLGATE_KEY_FILE` and `TOOLGATE_CONTEXT`, or the flags of the same names.
 *
 * @throws ToolgateError INVALID_CONFIG naming every fault at once
 */
export function parseClientConfig(sources: Sources): ClientConfig {
  const { nodes, ca, keyFile, context } = readSettings(CLIENT_SCHEMA, sources, {
    checks: { nodes: nodesFault },
    known: [...SETTINGS, ...CLIENT_SECRETS].map((setting) => setting.variable),
  });
  return Object.freeze({ nodes: Object.freeze(splitNodes(nodes)), ca, keyFile, context });
}

function splitNodes(text: string): string[] {
  return text
    .split(",")
    .map((node) => node.trim())
    .filter((node) => node !== "");
}

function nodesFault(text: string): string | undefined {
  const nodes = splitNodes(text);
  if (nodes.length === 0) return 'must name at least one node, as in "127.0.0.1:7400"';
  const bad = nodes.find((node) => (splitAddress(node)?.port ?? 0) === 0);
  if (bad === undefined) return undefined;
  return `must be hosts and ports, separated by commas, as in "127.0.0.1:7400,127.0.0.1:7401"; ${JSON.stringify(bad.slice(0, 60))} is not`;
}
