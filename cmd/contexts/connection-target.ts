import { readFile } from "node:fs/promises";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { TlsOptions } from "../../src/index.js";
import type { Connection } from "./connection.js";

/** How a cluster is reached. */
export interface ConnectionTarget {
  /** `host:port` of at least one node. */
  readonly nodes: readonly string[];
  readonly tls: TlsOptions | undefined;
}

/** A connection with its certificates. @throws ToolgateError INVALID_CONFIG when they cannot be read */
export async function connectionTo({ nodes, ca, context }: Connection): Promise<ConnectionTarget> {
  if (ca === "") return { nodes, tls: undefined };
  try {
    return { nodes, tls: { ca: await readFile(ca) } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const whose = context === undefined ? "--ca (TOOLGATE_CA)" : `the context ${context}`;
    throw new ToolgateError("INVALID_CONFIG", `The certificates of ${whose} cannot be read: ${why}.`);
  }
}
