/** What gRPC puts before a message: whether it is compressed, and its length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const HEADER_BYTES = 5;

/** A message that was encoded once, for all calls that are answered with it. They share its bytes, so nothing changes them. */
export class EncodedMessage {
  /** As it goes out, with gRPC's header. */
  readonly frame: Buffer;

  /** @param bytes the encoded message. */
  constructor(bytes: Buffer) {
    this.frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
    this.frame.writeUInt8(0, 0); // not compressed
    this.frame.writeUInt32BE(bytes.length, 1);
    bytes.copy(this.frame, HEADER_BYTES);
  }

  /** Without the header. */
  get bytes(): Buffer {
    return this.frame.subarray(HEADER_BYTES);
  }
}

/** Encodes messages of one type, each object once: one that several calls are answered with has its bytes made for the first. */
export class EncodeOnce<Message extends object> {
  readonly #encode: (message: Message) => Buffer;
  readonly #encoded = new WeakMap<Message, EncodedMessage>();

  constructor(encode: (message: Message) => Buffer) {
    this.#encode = encode;
  }

  /** The message's encoded form, which passes for the message on its way to the encoder. The message must not change any more. */
  of(message: Message): Message {
    let encoded = this.#encoded.get(message);
    if (encoded === undefined) {
      encoded = new EncodedMessage(this.#encode(message));
      this.#encoded.set(message, encoded);
    }
    return encoded as unknown as Message; // the encoders of `loadProtocol` know it
  }
}
