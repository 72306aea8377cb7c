import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import type { CertificateFiles } from "./certificate-authority.js";

export interface TlsAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  /** The port that it was asked from: the same one for requests of one connection. */
  readonly from: number | undefined;
  /** Whether the handshake was a former one's, taken up again. */
  readonly resumed: boolean;
}

export interface TlsClient {
  /** @throws Error of the connection */
  get(path: string, headers?: NodeJS.Dict<string>): Promise<TlsAnswer>;
  /** Its next request comes by another connection, which takes the handshake of the last one up again. */
  hangUp(): void;
  close(): void;
}

/** A client of HTTPS with one connection at a time, which is kept for its next request. */
export function tlsClient(address: string, ca: string, files?: CertificateFiles): TlsClient {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  const tls = {
    ca: readFileSync(ca),
    ...(files && { cert: readFileSync(files.cert), key: readFileSync(files.key) }),
  };
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 1, maxCachedSessions: 10 });
  return {
    async get(path, headers = {}) {
      const asked = request({ host, port: Number(port), path, headers, agent });
      asked.end();
      const [response] = (await once(asked, "response")) as [import("node:http").IncomingMessage];
      const { localPort: from } = response.socket;
      const resumed = (response.socket as import("node:tls").TLSSocket).isSessionReused(); // of HTTPS
      return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response), from, resumed };
    },
    hangUp() {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    },
    close: () => agent.destroy(),
  };
}
