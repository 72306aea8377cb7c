import { EncodedMessage } from "../../protocol/encoded-message.js";

/** What grpc-js 1.14 has behind each kind of server call, and not in its types. */
interface ServerInterceptingCall {
  serializeMessage?(message: unknown): Buffer;
}

/**
 * Lets a call send encoded messages as they are. grpc-js copies each message behind a header: of 400 answers that wait for their
 * callers it would hold 400 copies. Without what is replaced here it still does, and nothing else changes.
 *
 * @param call a server call of grpc-js.
 */
export function shareFrames(call: object): void {
  const { call: inner } = call as { readonly call?: ServerInterceptingCall }; // see above
  const serialize = inner?.serializeMessage;
  if (inner === undefined || typeof serialize !== "function" || Object.hasOwn(inner, "serializeMessage")) return;
  inner.serializeMessage = (message) =>
    message instanceof EncodedMessage ? message.frame : serialize.call(inner, message);
}
