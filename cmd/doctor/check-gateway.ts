import { type ChannelCredentials, Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { TlsOptions } from "../../src/index.js";
import { askHealth, plainCause } from "./ask-health.js";
import { type Check, fail, ok, warn } from "./check.js";

/** How long a node may take to answer, in milliseconds. */
const PATIENCE_MS = 3_000;
/** A node that takes longer for an empty request is worth a word, in milliseconds. */
const SLOW_MS = 250;

/** Asks one node for its health (`grpc.health.v1`), twice: the second answer tells how far away it is. */
export async function checkGateway(address: string, tls: TlsOptions | undefined): Promise<Check> {
  const name = `node ${address}`;
  const client = new Client(address, channelCredentials(tls));
  try {
    const health = await askHealth(client, "", PATIENCE_MS);
    const startedAt = performance.now();
    await askHealth(client, "", PATIENCE_MS);
    return evaluate(name, health, performance.now() - startedAt, tls !== undefined);
  } catch (error) {
    return evaluateFailure(name, error, tls !== undefined);
  } finally {
    client.close();
  }
}

function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(tls.ca === undefined ? null : Buffer.from(tls.ca));
}

function evaluate(name: string, health: string, latencyMs: number, tls: boolean): Check {
  const facts = `${latencyMs.toFixed(1)} ms, ${tls ? "TLS" : "no TLS"}`;
  if (health !== "SERVING") {
    return fail(
      name,
      `answers, but does not serve (${health}; ${facts})`,
      "It is starting or stopping, or it cannot reach Redis: look at its log and at the Redis checks.",
    );
  }
  if (latencyMs > SLOW_MS) {
    return warn(name, `serves, but answers slowly (${facts})`, "Look at the network to the node and at its load.");
  }
  return ok(name, `serves (${facts})`);
}

function evaluateFailure(name: string, error: unknown, tls: boolean): Check {
  const { code, details = "" } = error as Partial<ServiceError>; // grpc-js rejects with these
  if (code === status.UNIMPLEMENTED) {
    return fail(
      name,
      "a gRPC server without grpc.health.v1 answers there",
      "Check the address: it is not a Toolgate node.",
    );
  }
  const remedy = tls
    ? "Check that the node runs, speaks TLS, and that its certificate fits the address and --ca."
    : "Start the node, or correct --nodes (TOOLGATE_NODES); if it speaks TLS, give --ca.";
  const why =
    code === status.DEADLINE_EXCEEDED ? `no answer within ${PATIENCE_MS} ms` : plainCause(details || String(error));
  return fail(name, `cannot be reached: ${why}`, remedy);
}
