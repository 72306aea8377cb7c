import { Channel, type ChannelCredentials, type ChannelOptions, connectivityState, status } from "@grpc/grpc-js";
import { loadProtocol, type Protocol } from "../protocol/load.js";
import { DialCredentials } from "./dial-credentials.js";

/** The services of one node, over one connection. */
export interface NodeClients {
  readonly registry: InstanceType<Protocol["Registry"]>;
  readonly catalog: InstanceType<Protocol["Catalog"]>;
  readonly gateway: InstanceType<Protocol["Gateway"]>;
  readonly deadCalls: InstanceType<Protocol["DeadCalls"]>;
}

/** How a connection attempt went; `timeout` where the time for it ended before the node answered or refused. */
export type Readiness = { readonly kind: "ready" } | { readonly kind: "failed" | "timeout"; readonly cause: string };

interface Connection {
  readonly channel: Channel;
  readonly dial: DialCredentials;
  readonly clients: NodeClients;
}

/**
 * The client's side of one node: one channel, made anew after a failed connection attempt, so that how often it is
 * dialled is decided here and not by the channel's own backoff.
 */
export class Node {
  readonly address: string;
  readonly #credentials: ChannelCredentials;
  readonly #options: ChannelOptions;
  #open: Connection | undefined;

  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions) {
    this.address = address;
    this.#credentials = credentials;
    this.#options = options;
  }

  /** The clients; requests on them connect by themselves when nothing did before. */
  get clients(): NodeClients {
    return this.#channel().clients;
  }

  /** Connects, unless it is connected. The signal does not throw: it makes the attempt fail. */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Readiness> {
    const open = this.#channel();
    const until = Date.now() + timeoutMs; // grpc-js takes deadlines by the wall clock only
    for (;;) {
      const state = open.channel.getConnectivityState(true);
      if (state === connectivityState.READY) return { kind: "ready" };
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

  #channel(): Connection {
    if (this.#open === undefined) {
      const dial = new DialCredentials(this.#credentials);
      const channel = new Channel(this.address, dial, this.#options);
      const { Registry, Catalog, Gateway, DeadCalls } = loadProtocol();
      const over = { channelOverride: channel };
      const clients = {
        registry: new Registry(this.address, this.#credentials, over),
        catalog: new Catalog(this.address, this.#credentials, over),
        gateway: new Gateway(this.address, this.#credentials, over),
        deadCalls: new DeadCalls(this.address, this.#credentials, over),
      };
      this.#open = { channel, dial, clients };
    }
    return this.#open;
  }

  #drop(open: Connection): void {
    if (this.#open === open) this.#open = undefined;
    open.channel.close();
    open.dial.cut();
  }
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
