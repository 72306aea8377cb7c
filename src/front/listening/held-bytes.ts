import { ToolgateError } from "../../errors/toolgate-error.js";
import type { SharedBytes } from "./shared-bytes.js";

/** When a peer that was ended for what was held for it should come again, in milliseconds. */
const RETRY_MS = 1_000;
/** The most and the least that time is looked at, in milliseconds: a limit on time is kept to a quarter of itself. */
const LONGEST_TICK_MS = 1_000;
const SHORTEST_TICK_MS = 10;

/**
 * The least that a peer must read of what waits for it within the time for that, in bytes, unless there is less: 9 kB/s at the
 * default of 30 s.
 */
export const PIECE_BYTES = 262_144;

export interface HeldLimits {
  /** How many bytes the node holds for all its peers. */
  readonly maxBytes: number;
  /** How many it holds for one connection. */
  readonly maxConnectionBytes: number;
  /** How long a message may take to arrive whole, in milliseconds. */
  readonly messageWithinMs: number;
  /** How long a peer may take nothing of what it is sent, in milliseconds; see PIECE_BYTES. */
  readonly readWithinMs: number;
}

/**
 * What a node holds of what its peers have not finished sending, or do not read: half messages, messages that wait to be
 * inflated or looked at, answers and frames that are not sent yet. A peer decides how much that is and for how long, so it is
 * counted, by stream, by connection and in all.
 *
 * Above a connection's bound, the stream of it that holds the most is ended. Above the node's, it is a stream of the host that
 * holds the most: of its worst connection, the worst one. A stream whose message does not become whole in time, or of which
 * nothing is read in time, is ended too; a message that is large counts by pieces, see write-pieces.ts. Others notice nothing.
 */
export class HeldBytes {
  readonly #limits: HeldLimits;
  readonly #hosts = new Map<string, Set<HeldForConnection>>();
  readonly #tickMs: number;
  readonly #messageTicks: number;
  readonly #readTicks: number;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  /** The time, as coarse as it is needed: reading a clock for each message would cost more than all the rest. */
  #tick = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
    const shortest = Math.min(limits.messageWithinMs, limits.readWithinMs);
    this.#tickMs = Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, Math.floor(shortest / 4)));
    this.#messageTicks = Math.ceil(limits.messageWithinMs / this.#tickMs);
    this.#readTicks = Math.ceil(limits.readWithinMs / this.#tickMs);
  }

  /** How many bytes are held in all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The coarse time; only differences mean something. */
  get tick(): number {
    return this.#tick;
  }

  /** Begins to look at the time. */
  start(): void {
    this.#timer ??= setInterval(() => this.#endLate(), this.#tickMs).unref();
  }

  /** Looks at the time no more; what is held is still counted. Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A connection from a host is there; see `peerHost`. `leave` it when it is closed. */
  connect(host: string): HeldForConnection {
    const connection = new HeldForConnection(this, host);
    const known = this.#hosts.get(host);
    if (known === undefined) this.#hosts.set(host, new Set([connection]));
    else known.add(connection);
    return connection;
  }

  /** A connection is gone. */
  disconnect(connection: HeldForConnection): void {
    const others = this.#hosts.get(connection.host);
    others?.delete(connection);
    if (others?.size === 0) this.#hosts.delete(connection.host);
  }

  /** Counts bytes of a connection in, or out where they are negative, and ends what is too much. */
  count(connection: HeldForConnection, bytes: number): void {
    connection.bytes += bytes;
    this.#bytes += bytes;
    if (bytes <= 0) return;
    const { maxConnectionBytes, maxBytes } = this.#limits;
    while (connection.bytes > maxConnectionBytes) {
      if (!endWorst(connection, tooMuch("this connection", maxConnectionBytes))) break;
    }
    while (this.#bytes > maxBytes) {
      const worst = this.#worstConnection();
      if (worst === undefined || !endWorst(worst, tooMuch("all its peers", maxBytes))) break;
    }
  }

  #worstConnection(): HeldForConnection | undefined {
    let most = 0;
    let worstHost: ReadonlySet<HeldForConnection> | undefined;
    for (const connections of this.#hosts.values()) {
      let bytes = 0;
      for (const connection of connections) bytes += connection.bytes;
      if (bytes <= most) continue;
      most = bytes;
      worstHost = connections;
    }
    let worst: HeldForConnection | undefined;
    for (const connection of worstHost ?? []) {
      if (connection.bytes > (worst?.bytes ?? 0)) worst = connection;
    }
    return worst;
  }

  #endLate(): void {
    this.#tick++;
    for (const connections of this.#hosts.values()) {
      for (const connection of connections) {
        for (const stream of connection.streams) {
          if (stream.arrivingSince !== undefined && this.#tick - stream.arrivingSince > this.#messageTicks) {
            stream.endLate(() => notWhole(this.#limits.messageWithinMs));
          } else if (stream.unreadSince !== undefined && this.#tick - stream.unreadSince > this.#readTicks) {
            stream.end(readerStalled(this.#limits.readWithinMs));
          }
        }
      }
    }
  }
}

/** Ends the stream for which a connection holds the most; false when none of them holds anything. */
function endWorst(connection: HeldForConnection, why: ToolgateError): boolean {
  let worst: HeldForStream | undefined;
  for (const stream of connection.streams) {
    if (stream.bytes > (worst?.bytes ?? 0)) worst = stream;
  }
  worst?.end(why);
  return worst !== undefined;
}

function tooMuch(whose: string, bytes: number): ToolgateError {
  const message = `what the node holds for ${whose} (half messages, and answers that are not read) is over ${bytes} bytes, and this stream holds the most: send and read faster, or less at once`;
  return new ToolgateError("LIMIT_EXCEEDED", message, { executed: "unknown", retryAfterMs: RETRY_MS });
}

function notWhole(withinMs: number): ToolgateError {
  const message = `the message did not arrive whole within ${withinMs / 1_000} s: send it faster, or a smaller one`;
  return new ToolgateError("LIMIT_EXCEEDED", message, { executed: "no", retryAfterMs: RETRY_MS });
}

/** What a peer hears whose stream is ended because it does not read it. */
export function readerStalled(withinMs: number): ToolgateError {
  const message = `less than ${PIECE_BYTES / 1_024} KiB of the stream, and no message whole, was read for ${withinMs / 1_000} s; read faster, or resume it after what you have`;
  return new ToolgateError("LIMIT_EXCEEDED", message, { executed: "unknown" });
}

/** How a call's handler fails it. */
export type FailCall = (why: ToolgateError) => void;
/** A stream, as what is held for it sees it. */
export interface HeldCall {
  /** Whether its peer sends one message, a request that is to be whole in time, or as many as it likes, when it likes. */
  readonly messages: "one" | "many";
  /** Whether the peer has sent all that it will send. */
  hasSentAll(): boolean;
  /** Ends it, by the way of its handler where there is one. Called at most once. */
  end(why: ToolgateError, fail: FailCall | undefined): void;
}

/** What is held for one connection. */
export class HeldForConnection {
  readonly #all: HeldBytes;
  /** The host that it comes from. */
  readonly host: string;
  /** Its open streams. */
  readonly streams = new Set<HeldForStream>();
  bytes = 0;
  /** When a stream of it was opened last, by the coarse time. */
  usedAt: number;

  constructor(all: HeldBytes, host: string) {
    this.#all = all;
    this.host = host;
    this.usedAt = all.tick;
  }

  /** A stream of it was opened. */
  open(call: HeldCall): HeldForStream {
    const stream = new HeldForStream(this.#all, this, call);
    this.streams.add(stream);
    this.usedAt = this.#all.tick;
    if (call.messages === "one") stream.arriving();
    return stream;
  }

  /** The connection is closed. */
  leave(): void {
    for (const stream of this.streams) stream.leave();
    this.#all.disconnect(this);
  }
}

/** What is held for one stream. Once it is over, nothing is counted for it any more. */
export class HeldForStream {
  readonly #all: HeldBytes;
  readonly connection: HeldForConnection;
  readonly #call: HeldCall;
  #fail: FailCall | undefined;
  #onProgress: () => void = () => {};
  /** Its messages that wait to be looked at, by size, in order. */
  readonly #messages: number[] = [];
  /** How many were looked at. */
  #lookedAt = 0;
  /** What is to be done when those that were inflated are looked at, by how many messages arrived before them. */
  #inflated: Map<number, () => void> | undefined;
  #unread = 0;
  #over = false;
  #shared: SharedBytes | undefined;
  bytes = 0;
  /** When a message of its peer's was looked at last, or one to it was taken, by the coarse time. */
  usedAt: number;
  /** Since when a message has been arriving, by the coarse time. */
  arrivingSince: number | undefined;
  /** Since when nothing of what waits for the peer has been taken, by the coarse time. */
  unreadSince: number | undefined;

  constructor(all: HeldBytes, connection: HeldForConnection, call: HeldCall) {
    this.#all = all;
    this.connection = connection;
    this.#call = call;
    this.usedAt = all.tick;
  }

  /** The host of its connection. */
  get host(): string {
    return this.connection.host;
  }

  /** Whether the stream was ended, or is gone. */
  get over(): boolean {
    return this.#over;
  }

  /** Counts bytes in, or out where they are negative. It may end the stream, or another. */
  count(bytes: number): void {
    if (this.#over) return;
    this.bytes += bytes;
    this.#all.count(this.connection, bytes);
  }

  /** Bytes that others may hold too are to be sent, at most one lot of them at a time. It may end the stream, or another. */
  share(shared: SharedBytes, bytes: number): void {
    if (this.#over) return;
    this.unshare();
    this.#shared = shared;
    shared.add(this, bytes);
  }

  /** They are sent. Idempotent. */
  unshare(): void {
    const shared = this.#shared;
    this.#shared = undefined;
    shared?.remove(this);
  }

  /** A message has begun to arrive, or is awaited; it is to be whole in time. */
  arriving(): void {
    if (!this.#over) this.arrivingSince ??= this.#all.tick;
  }

  /** A message is whole: its bytes, counted before, are held until it is looked at. */
  arrived(bytes: number): void {
    // A request is whole when its peer has said that no more comes.
    if (this.#call.messages === "many") this.arrivingSince = undefined;
    this.#messages.push(bytes);
  }

  /**
   * A message that waits to be looked at was inflated: it takes `bytes` more.
   *
   * @param ordinal how many messages of the stream arrived before it.
   * @param letGo called when it is looked at, or the stream is over.
   */
  inflated(ordinal: number, bytes: number, letGo: () => void): void {
    const index = ordinal - this.#lookedAt;
    const before = this.#messages[index];
    if (before === undefined) {
      letGo(); // the stream is over
      return;
    }
    this.#messages[index] = before + bytes;
    this.#inflated ??= new Map();
    this.#inflated.set(ordinal, letGo);
    this.count(bytes);
  }

  /** The oldest message that is whole is being looked at. */
  lookedAt(): void {
    if (this.#call.messages === "one") this.arrivingSince = undefined;
    this.usedAt = this.#all.tick;
    const ordinal = this.#lookedAt++;
    const bytes = this.#messages.shift();
    if (bytes !== undefined) this.count(-bytes);
    if (this.#inflated === undefined) return;
    this.#inflated.get(ordinal)?.();
    this.#inflated.delete(ordinal);
  }

  /** Something waits for the peer to take it; `taken` is called when it has. */
  sent(): void {
    if (this.#over) return;
    if (this.#unread++ === 0) this.unreadSince = this.#all.tick;
  }

  /** The peer has taken something. */
  taken(): void {
    if (this.#over) return;
    this.usedAt = this.#all.tick;
    this.unreadSince = --this.#unread === 0 ? undefined : this.#all.tick;
  }

  /** The peer has taken a piece of what waits for it. */
  progressed(): void {
    if (this.#over) return;
    this.usedAt = this.#all.tick;
    if (this.unreadSince !== undefined) this.unreadSince = this.#all.tick;
    this.#onProgress();
  }

  /** Sets the listener for progress; one at a time. */
  whenProgressed(listener: () => void): void {
    this.#onProgress = listener;
  }

  /** Ends the stream if a message of it should have arrived by now, and its peer is to blame for that. */
  endLate(why: () => ToolgateError): void {
    // It waits to be inflated, or for whatever else is this node's.
    if (this.#call.hasSentAll()) this.arrivingSince = undefined;
    else this.end(why());
  }

  /** A handler has the stream: this is how it fails it. */
  failBy(fail: FailCall): void {
    this.#fail = fail;
  }

  /** Ends the stream, once: what was counted for it is let go of. */
  end(why: ToolgateError): void {
    if (this.#over) return;
    this.leave();
    this.#call.end(why, this.#fail);
  }

  /** The stream is over. Idempotent. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.arrivingSince = this.unreadSince = undefined;
    this.connection.streams.delete(this);
    this.#all.count(this.connection, -this.bytes);
    this.bytes = 0;
    this.#messages.length = 0;
    this.unshare(); // the next one that has them counts them
    const letGo = [...(this.#inflated?.values() ?? [])];
    this.#inflated = undefined;
    for (const one of letGo) one();
  }
}
