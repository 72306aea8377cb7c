import type { Client } from "@grpc/grpc-js";
import { loadNodeProtocol } from "../../src/protocol/load-node.js";

/**
 * Asks a node for its health by `grpc.health.v1`, which needs no credential.
 *
 * @param service a service's full name; the node as a whole when empty
 * @param patienceMs how long the answer may take, in milliseconds
 * @returns `SERVING`, `NOT_SERVING` or `UNKNOWN`
 * @throws ServiceError of grpc-js
 */
export function askHealth(client: Client, service: string, patienceMs: number): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = loadNodeProtocol().Health.Check;
  const deadline = Date.now() + patienceMs;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service },
      { deadline },
      (error, response) => {
        if (error !== null) reject(error);
        else resolve(String(response?.status));
      },
    );
  });
}

/** What the system said of a connection that failed: grpc-js wraps that into words of its own. */
export function plainCause(details: string): string {
  return /Last error: (?:Error: )?(.*?)\.? Resolution note/.exec(details)?.[1] ?? details;
}
