import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { TlsFiles } from "./tls-files.js";

/** What a server of HTTP/1.1 may spend on its peers: what Node bounds by itself. */
export type WebServerLimits = Required<
  Pick<
    ServerOptions,
    "maxHeaderSize" | "headersTimeout" | "requestTimeout" | "keepAliveTimeout" | "connectionsCheckingInterval"
  >
> &
  Pick<ServerOptions, "requireHostHeader">;

/**
 * Node's server of HTTP/1.1, with TLS by the node's files where it is to have it.
 *
 * @param tls the files, which were read; undefined for a server that speaks in clear
 */
export function createWebServer(
  limits: WebServerLimits,
  tls: TlsFiles | undefined,
  listener: RequestListener,
): Server | TlsServer {
  if (tls === undefined) return createServer(limits, listener);
  const made = createTlsServer(
    {
      ...limits,
      ...tls.clientAuth,
      ...tls.context,
      handshakeTimeout: limits.headersTimeout,
      ALPNProtocols: ["http/1.1"],
    },
    listener,
  );
  tls.onChange((context) => made.setSecureContext(context));
  tls.guard(made);
  made.on("tlsClientError", (_error, socket) => socket.destroy());
  return made;
}
