import { connect, type Socket } from "node:net";

/** What a subscription hears. */
export interface NatsMessage {
  readonly subject: string;
  /** Where to answer; empty when no answer is wanted. */
  readonly reply: string;
  readonly payload: Buffer;
}

const EMPTY = Buffer.alloc(0);
const END = Buffer.from("\r\n");

/**
 * As much of a NATS client as the benchmark needs: publish, subscribe, ask. Writes are gathered per turn of the event loop, as
 * the official client does. https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export class NatsConnection {
  readonly #socket: Socket;
  readonly #listeners = new Map<string, (message: NatsMessage) => void>();
  #input: Buffer = EMPTY;
  #output: (string | Buffer)[] = [];
  #subscriptions = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => {
      this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
      this.#input = this.#input.subarray(this.#read(this.#input));
    });
  }

  /** @param address `host:port`. The process ends when the connection does: nothing can be measured any more. */
  static open(address: string): Promise<NatsConnection> {
    const [host = "", port = ""] = address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.on("close", () => process.exit(1));
        const connection = new NatsConnection(socket);
        connection.#write(
          'CONNECT {"verbose":false,"pedantic":false,"headers":false,"lang":"bench","version":"1"}\r\n',
        );
        resolve(connection);
      });
    });
  }

  publish(subject: string, payload: Buffer | string, reply = ""): void {
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    this.#write(`PUB ${subject} ${reply === "" ? "" : `${reply} `}${bytes.length}\r\n`);
    this.#write(bytes);
    this.#write(END);
  }

  subscribe(subject: string, listener: (message: NatsMessage) => void): void {
    const id = String(++this.#subscriptions);
    this.#listeners.set(id, listener);
    this.#write(`SUB ${subject} ${id}\r\n`);
  }

  /** Asks a JetStream API for something, as JSON. @throws Error what it refuses with */
  async ask(subject: string, request: object): Promise<void> {
    const inbox = `_ASK.${process.pid}.${this.#subscriptions}`;
    const answer = await new Promise<NatsMessage>((resolve) => {
      this.subscribe(inbox, resolve);
      this.publish(subject, JSON.stringify(request), inbox);
    });
    const { error } = JSON.parse(answer.payload.toString()) as { readonly error?: { readonly description: string } }; // as NATS documents it
    if (error !== undefined) throw new Error(`NATS refuses ${subject}: ${error.description}`);
  }

  #write(part: string | Buffer): void {
    if (this.#output.push(part) > 1) return;
    setImmediate(() => {
      const parts = this.#output.map((one) => (typeof one === "string" ? Buffer.from(one) : one));
      this.#output = [];
      this.#socket.write(Buffer.concat(parts));
    });
  }

  /** Reads all whole messages, and answers how many bytes they took. */
  #read(input: Buffer): number {
    for (let at = 0; ; ) {
      const end = input.indexOf(END, at);
      if (end < 0) return at;
      const words = input.toString("latin1", at, end).split(" ");
      switch (words[0]) {
        case "MSG": {
          const [, subject = "", id = ""] = words;
          const from = end + END.length;
          const to = from + Number(words.at(-1));
          if (input.length < to + END.length) return at;
          const reply = words.length === 5 ? (words[3] ?? "") : "";
          // A copy: the input goes on without it.
          this.#listeners.get(id)?.({ subject, reply, payload: Buffer.from(input.subarray(from, to)) });
          at = to + END.length;
          break;
        }
        case "PING":
          this.#write("PONG\r\n");
          at = end + END.length;
          break;
        case "-ERR":
          throw new Error(`NATS: ${words.slice(1).join(" ")}`);
        default:
          at = end + END.length; // INFO, PONG
      }
    }
  }
}
