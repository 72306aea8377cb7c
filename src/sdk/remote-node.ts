import {
  Channel,
  type ChannelCredentials,
  type ChannelOptions,
  connectivityState,
  Metadata,
  status,
} from "@grpc/grpc-js";
import { loadProtocol, type Protocol } from "../protocol/load.js";
import { DialCredentials } from "./dial-credentials.js";
import { type KeySource, NO_KEY } from "./key-source.js";
import { within } from "./timing.js";

/** The services of one node, over one connection. */
export interface NodeClients {
  readonly registry: InstanceType<Protocol["Registry"]>;
  readonly catalog: InstanceType<Protocol["Catalog"]>;
  readonly gateway: InstanceType<Protocol["Gateway"]>;
  readonly deadCalls: InstanceType<Protocol["DeadCalls"]>;
  readonly access: InstanceType<Protocol["Access"]>;
  readonly documents: InstanceType<Protocol["Documents"]>;
  readonly audit: InstanceType<Protocol["Audit"]>;
}

/** How a connection attempt went; `timeout` where the time for it ended before the node answered or refused. */
export type Readiness = { readonly kind: "ready" } | { readonly kind: "failed" | "timeout"; readonly cause: string };

interface Connection {
  readonly channel: Channel;
  readonly dial: DialCredentials;
  readonly clients: NodeClients;
  key: ConnectionKey;
}

/** The credential of one connection; `text` is what is sent, until another one has been read. */
type ConnectionKey =
  | { readonly kind: "unread" | "read"; readonly text: string | undefined }
  | { readonly kind: "reading"; readonly text: string | undefined; readonly next: Promise<string | undefined> };

/**
 * The client's side of one node: one channel, made anew after a failed connection attempt, so that how often it is
 * dialled is decided here and not by the channel's own backoff.
 */
export class Node {
  readonly address: string;
  readonly #credentials: ChannelCredentials;
  readonly #options: ChannelOptions;
  readonly #key: KeySource;
  /** Counts how often the credential was given up, so that requests that were refused at once renew it once. */
  #keyVersion = 0;
  #open: Connection | undefined;

  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions, key: KeySource = NO_KEY) {
    this.address = address;
    this.#credentials = credentials;
    this.#options = options;
    this.#key = key;
  }

  /** The clients; requests on them connect by themselves when nothing did before. */
  get clients(): NodeClients {
    return this.#channel().clients;
  }

  /** What requests are sent with: the caller's credential, where there is one. Each request takes one of its own. */
  metadata(): Metadata {
    const metadata = new Metadata();
    const text = this.#open?.key.text;
    if (text !== undefined) metadata.set("authorization", `Bearer ${text}`);
    return metadata;
  }

  /** Where the credential that requests are sent with came from; undefined when they are sent without. */
  get keyOrigin(): string | undefined {
    return this.#open?.key.text === undefined ? undefined : this.#key.origin;
  }

  /** Names the credential that requests are sent with, for `renewKey`. */
  get keyVersion(): number {
    return this.#keyVersion;
  }

  /**
   * A request was refused for its credential. Whether there may be another one by now: then it is read when the node is asked for the next time.
   *
   * @param version of the credential that was refused
   */
  renewKey(version: number): boolean {
    if (version !== this.#keyVersion) return true;
    if (!this.#key.renewable) return false;
    this.#keyVersion += 1;
    if (this.#open !== undefined) forget(this.#open);
    return true;
  }

  /** Connects and reads the credential, unless that is done. The signal does not throw: it makes the attempt fail. */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Readiness> {
    const open = this.#channel();
    const until = Date.now() + timeoutMs; // grpc-js takes deadlines by the wall clock only
    for (;;) {
      const state = open.channel.getConnectivityState(true);
      // Another connection, maybe hours later: what may have changed is read anew.
      if (state !== connectivityState.READY && open.key.kind === "read" && this.#key.renewable) forget(open);
      if (state === connectivityState.READY) {
        if (open.key.kind === "read") return { kind: "ready" };
        return await this.#readKey(open, until - Date.now(), signal);
      }
      if (state === connectivityState.SHUTDOWN) return { kind: "failed", cause: "the client was closed" };
      if (state === connectivityState.TRANSIENT_FAILURE) {
        const cause = await lastError(open.clients);
        this.#drop(open);
        return { kind: "failed", cause };
      }
      const changed = await stateChange(open.channel, state, until, signal);
      if (signal.aborted) return { kind: "failed", cause: "the attempt was given up" };
      if (!changed) {
        this.#drop(open);
        return { kind: "timeout", cause: `no answer within ${Math.round(timeoutMs)} ms` };
      }
    }
  }

  /** Ends the connection and whatever runs on it. */
  close(): void {
    if (this.#open !== undefined) this.#drop(this.#open);
  }

  async #readKey(open: Connection, timeoutMs: number, signal: AbortSignal): Promise<Readiness> {
    const reading =
      open.key.kind === "reading"
        ? open.key
        : ({ kind: "reading", text: open.key.text, next: this.#key.read(this.address) } as const);
    open.key = reading;
    try {
      const text = await within(reading.next, timeoutMs, signal);
      if (open.key === reading) open.key = { kind: "read", text };
      return { kind: "ready" };
    } catch (error) {
      if (signal.aborted) return { kind: "failed", cause: "the attempt was given up" };
      if (open.key === reading) forget(open);
      return { kind: "failed", cause: `no key: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #channel(): Connection {
    if (this.#open === undefined) {
      const dial = new DialCredentials(this.#credentials);
      const channel = new Channel(this.address, dial, this.#options);
      const { Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit } = loadProtocol();
      const over = { channelOverride: channel };
      const clients = {
        registry: new Registry(this.address, this.#credentials, over),
        catalog: new Catalog(this.address, this.#credentials, over),
        gateway: new Gateway(this.address, this.#credentials, over),
        deadCalls: new DeadCalls(this.address, this.#credentials, over),
        access: new Access(this.address, this.#credentials, over),
        documents: new Documents(this.address, this.#credentials, over),
        audit: new Audit(this.address, this.#credentials, over),
      };
      this.#open = { channel, dial, clients, key: { kind: "unread", text: undefined } };
    }
    return this.#open;
  }

  #drop(open: Connection): void {
    if (this.#open === open) this.#open = undefined;
    open.channel.close();
    open.dial.cut();
  }
}

/** The credential is read again before the next request. */
function forget(open: Connection): void {
  open.key = { kind: "unread", text: open.key.text };
}

/** Whether the channel left a state before a time. */
function stateChange(channel: Channel, state: connectivityState, until: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(false);
    signal.addEventListener("abort", onAbort, { once: true });
    channel.watchConnectivityState(state, until, (error) => {
      signal.removeEventListener("abort", onAbort);
      resolve(error === undefined);
    });
  });
}

/** Why the last attempt failed. A channel reports it to requests only, and one fails at once on a channel in this state. */
function lastError(clients: NodeClients): Promise<string> {
  return new Promise((resolve) => {
    clients.catalog.listToolsets({ pageSize: 1 }, { deadline: Date.now() + 1000 }, (error) => {
      if (error === null || error.code !== status.UNAVAILABLE) return resolve("the connection failed");
      resolve(/Last error: (?:Error: )?(.*?)(?:\. Resolution note: .*)?$/.exec(error.details)?.[1] ?? error.details);
    });
  });
}
