import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { splitAddress } from "../../config/address.js";
import { ToolgateError } from "../../errors/toolgate-error.js";

/** Ports that are listened on. */
export interface Listening {
  /** The port; the one that the system chose where that was 0. */
  readonly port: number;
  /** Takes no more connections; those that are there stay. Idempotent. */
  close(): void;
}

/**
 * Listens on an address: on all that its host's name stands for and this machine has, and on one port.
 *
 * @param setting the name of the setting that has the address, for the error
 * @param onConnection gets each connection
 * @throws ToolgateError INVALID_CONFIG naming the address, the cause and the remedy
 */
export async function listenOn(
  address: string,
  setting: string,
  onConnection: (socket: Socket) => void,
): Promise<Listening> {
  const parts = splitAddress(address);
  if (parts === undefined)
    throw new ToolgateError("INVALID_CONFIG", `${setting}: ${address} is not a host and a port.`);
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  let { port } = parts;
  try {
    let missing: unknown;
    for (const { address: host } of await lookup(parts.host, { all: true })) {
      const server = createServer({ noDelay: true }, onConnection);
      try {
        server.listen({ host, port, exclusive: true });
        await once(server, "listening");
      } catch (error) {
        // A name may stand for addresses of both families on a machine that has one.
        if (!/^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(codeOf(error) ?? "")) throw error;
        missing = error;
        continue;
      }
      servers.push(server);
      port = (server.address() as AddressInfo).port; // of a server that listens on a port
    }
    if (servers.length === 0) throw missing;
  } catch (cause) {
    close();
    throw listenFault(setting, address, cause);
  }
  return { port, close };
}

/** What stands in the way of listening on an address. */
function listenFault(setting: string, address: string, cause: unknown): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", `${setting}: cannot listen on ${address}: ${remedy(cause)}`, { cause });
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
}

function remedy(cause: unknown): string {
  const code = codeOf(cause);
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
      return `${code ?? String(cause)}.`;
  }
}
