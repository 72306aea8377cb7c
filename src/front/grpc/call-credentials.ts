import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AccessControl, Credentials } from "../../access/access-control.js";
import { isLoopback } from "../../config/address.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";
import type { AnyServerCall } from "./server-call.js";

export interface CallCredentialsOptions {
  /** The certificate that a connection's other end has proved to have, in DER. */
  readonly certificateOf: (session: Http2Session | undefined) => Buffer | undefined;
  /** Credentials from elsewhere cross a network that others may read. */
  readonly inClear: boolean;
  readonly log: Pick<Logger, "warn">;
}

/**
 * What calls prove their callers by: the `authorization` header, and the certificate of the connection. Nothing else of a call is looked
 * at.
 */
export class CallCredentials {
  readonly #options: CallCredentialsOptions;
  /** Streams with more than one `authorization` header, of which Node shows the first. */
  readonly #ambiguous = new WeakSet<ServerHttp2Stream>();
  #warned = false;

  constructor(options: CallCredentialsOptions) {
    this.#options = options;
  }

  /** Takes a server's streams before anything else does; where nobody is asked, it looks at nothing. */
  listenTo(server: Http2Server, access: Pick<AccessControl, "required">): void {
    const onStream = (
      stream: ServerHttp2Stream,
      _headers: IncomingHttpHeaders,
      _flags: number,
      raw: string[],
    ): void => {
      if (access.required && countOf(raw, "authorization") > 1) this.#ambiguous.add(stream);
    };
    server.prependListener("stream", onStream);
  }

  /** @throws ToolgateError UNAUTHENTICATED where there is more than one header: others could take another one of them than this node */
  of(call: AnyServerCall, stream: ServerHttp2Stream): Credentials {
    const [authorization, ...others] = call.metadata.get("authorization");
    if (others.length > 0 || this.#ambiguous.has(stream))
      throw new ToolgateError("UNAUTHENTICATED", "There is more than one authorization header.");
    const peer = call.getPeer();
    if (authorization !== undefined && this.#options.inClear && !this.#warned) this.#warnOfClear(peer);
    return {
      authorization: authorization === undefined ? undefined : String(authorization),
      certificate: this.#options.certificateOf(stream.session),
      peer,
    };
  }

  #warnOfClear(peer: string): void {
    if (isLoopback(peer.slice(0, peer.lastIndexOf(":")))) return;
    this.#warned = true;
    this.#options.log.warn({ event: "credentials_in_clear", peer });
  }
}

/** How often a header is there. @param raw names and values, in turns */
function countOf(raw: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < raw.length; index += 2) if (raw[index] === name) count++;
  return count;
}
