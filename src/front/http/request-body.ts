import type { IncomingMessage } from "node:http";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { HeldForStream } from "../listening/held-bytes.js";

/** What JSON is sent as; a charset other than UTF-8 is none that JSON has (https://www.rfc-editor.org/rfc/rfc8259#section-8.1). */
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const NONE = Buffer.alloc(0);

/**
 * Reads a request's body of JSON. What is held of it is counted until the request is answered.
 *
 * @param maxBytes the largest that there may be
 * @throws ToolgateError UNSUPPORTED_MEDIA_TYPE, MESSAGE_TOO_LARGE, CANCELLED
 */
export function readBody(
  request: IncomingMessage,
  held: HeldForStream | undefined,
  maxBytes: number,
): Promise<Buffer> | Buffer {
  const { headers } = request;
  const length = headers["content-length"];
  if (headers["transfer-encoding"] === undefined && (length === undefined || length === "0")) return NONE;
  if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity")
    throw new ToolgateError("UNSUPPORTED_MEDIA_TYPE", "The body must not be compressed.");
  if (!JSON_TYPE.test(headers["content-type"] ?? ""))
    throw new ToolgateError(
      "UNSUPPORTED_MEDIA_TYPE",
      "The body must be JSON: send it with content-type: application/json.",
    );
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (error?: ToolgateError): void => {
      request.off("data", onData);
      request.off("end", onEnd);
      request.off("close", onClose);
      if (error !== undefined) reject(error);
      else resolve(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, bytes));
    };
    const onData = (part: Buffer): void => {
      bytes += part.length;
      if (bytes > maxBytes) {
        request.pause();
        end(tooLarge(maxBytes));
        return;
      }
      parts.push(part);
      held?.count(part.length);
    };
    const onEnd = (): void => end();
    const onClose = (): void =>
      end(new ToolgateError("CANCELLED", "The connection went before the request was whole."));
    request.on("data", onData);
    request.once("end", onEnd);
    request.once("close", onClose);
  });
}

function tooLarge(maxBytes: number): ToolgateError {
  return new ToolgateError("MESSAGE_TOO_LARGE", `The body is over ${maxBytes} bytes.`);
}
