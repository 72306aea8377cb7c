import { once } from "node:events";
import { createServer } from "node:net";
import { splitAddress } from "../config/address.js";
import { ToolgateError } from "../errors/toolgate-error.js";

const NAMES = "TOOLGATE_LISTEN (--listen)";

/**
 * Finds out whether an address can be listened on, by doing so for a moment. grpc-js would say it too, but in one text
 * for all causes, and on standard error.
 *
 * @throws ToolgateError INVALID_CONFIG naming the address, the cause and the remedy
 */
export async function checkListenAddress(address: string): Promise<void> {
  const parts = splitAddress(address);
  if (parts === undefined) throw new ToolgateError("INVALID_CONFIG", `${NAMES}: ${address} is not a host and a port.`);
  const probe = createServer();
  try {
    probe.listen({ host: parts.host, port: parts.port, exclusive: true });
    await once(probe, "listening");
  } catch (cause) {
    throw listenFault(address, cause);
  }
  const closed = once(probe, "close");
  probe.close();
  await closed;
}

/** What stands in the way of listening on an address. */
export function listenFault(address: string, cause: unknown): ToolgateError {
  const { message = "" } = cause instanceof Error ? cause : {};
  const code = /\bE[A-Z]{4,}\b/.exec(message)?.[0];
  return new ToolgateError("INVALID_CONFIG", `${NAMES}: cannot listen on ${address}: ${remedy(code, message)}`, {
    cause,
  });
}

function remedy(code: string | undefined, message: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "another process listens there. Stop it, or choose another port; port 0 lets the system choose.";
    case "EADDRNOTAVAIL":
      return "this machine has no such address. Choose one of its own, or 0.0.0.0 for all.";
    case "EACCES":
      return "this process may not use that port. Choose one above 1023.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host's name is not known here. Give an address.";
    default:
      return `${code ?? message}.`;
  }
}
