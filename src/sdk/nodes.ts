import { type ChannelOptions, credentials } from "@grpc/grpc-js";
import { LARGEST_MESSAGE_BYTES } from "../config/message-limits.js";
import type { Executed } from "../errors/codes.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { CLIENT_VERSION } from "./client-version.js";
import type { TlsOptions } from "./connection-options.js";
import { type KeySource, NO_KEY } from "./key-source.js";
import { Node } from "./remote-node.js";
import { backoffMs, sleep, type Timing } from "./timing.js";

/**
 * The nodes of a cluster, as one client sees them.
 *
 * A client stays with one node, at first a random one, until that fails or is stopping. Then the next one in turn that is
 * not being left alone takes its place: in the order of the addresses or against it, by chance, so that the clients of a lost node
 * go to both of its neighbours. A node that failed is left alone for a time that doubles with each failure in a
 * row and starts anew with its first answer. Thus clients spread over the nodes, a lost node costs one reconnection,
 * and a cluster that is away is not stormed when it comes back.
 */

/** The longest that one connection attempt may take, in milliseconds. */
const ATTEMPT_MS = 2000;

const CHANNEL_OPTIONS: ChannelOptions = {
  // A frozen node, whose connections stay open, is noticed within 15 s, before most deadlines; a shorter time would take a
  // node that is only busy, or a network that is only slow, for a lost one. Load balancers see traffic, too.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  // Repeating is decided here, where it is known what may be repeated.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // Connections are this client's own: closing it closes them.
  "grpc.use_local_subchannel_pool": 1,
  // Whatever a node may be set up to send: a larger message would end the session that it comes on, with all of its calls.
  "grpc.max_receive_message_length": LARGEST_MESSAGE_BYTES,
  "grpc.primary_user_agent": CLIENT_VERSION,
};

interface NodeState {
  readonly node: Node;
  /** In a row. */
  failures: number;
  /** Left alone until then, by the monotonic clock. */
  backoffUntilMs: number;
  /** Why it failed last; for people. */
  cause: string;
}

export interface AcquireOptions {
  readonly signal: AbortSignal;
  /** When to give up, by the monotonic clock. */
  readonly giveUpAtMs: number;
}

export class Nodes {
  readonly #states: readonly NodeState[];
  readonly #timing: Timing;
  #current: number;
  readonly #step: 1 | -1;

  constructor(
    addresses: readonly string[],
    tls: boolean | TlsOptions | undefined,
    timing: Timing,
    key: KeySource = NO_KEY,
  ) {
    const options = { ...CHANNEL_OPTIONS, ...serverName(tls) };
    const creds = tls === undefined || tls === false ? credentials.createInsecure() : secure(tls === true ? {} : tls);
    this.#states = addresses.map((address) => {
      return { node: new Node(address, creds, options, key), failures: 0, backoffUntilMs: 0, cause: "not tried" };
    });
    this.#timing = timing;
    const chance = timing.random() * addresses.length;
    this.#current = Math.floor(chance);
    this.#step = chance % 1 < 0.5 ? 1 : -1;
  }

  /** The address that requests go to first. */
  get current(): string {
    return this.#states[this.#current]?.node.address ?? "";
  }

  /**
   * A node that is connected.
   *
   * @throws ToolgateError NODE_UNREACHABLE at `giveUpAtMs`, and the signal's reason when it aborts.
   */
  async acquire({ signal, giveUpAtMs }: AcquireOptions): Promise<Node> {
    for (;;) {
      signal.throwIfAborted();
      const now = this.#timing.monotonicMs();
      const { index, state } = this.#next(now);
      const restMs = state.backoffUntilMs - now;
      if (restMs > 0) {
        if (now + restMs > giveUpAtMs) throw this.unreachable();
        await sleep(restMs, signal);
        continue;
      }
      const timeoutMs = Math.min(ATTEMPT_MS, giveUpAtMs - now);
      if (timeoutMs <= 0) throw this.unreachable();
      const readiness = await state.node.ready(timeoutMs, signal);
      signal.throwIfAborted();
      if (readiness.kind === "ready") {
        this.#current = index;
        return state.node;
      }
      // An attempt that the caller cut short says less than the failure before it.
      if (readiness.kind === "timeout" && timeoutMs < ATTEMPT_MS && state.failures > 0) throw this.unreachable();
      this.failed(state.node, readiness.cause);
    }
  }

  /** A node answered: its failures are forgotten. */
  succeeded(node: Node): void {
    const state = this.#states.find((each) => each.node === node);
    if (state === undefined) return;
    state.failures = 0;
    state.backoffUntilMs = 0;
  }

  /**
   * A node failed, is stopping, or has too much to do: others come first for a while.
   *
   * @param retryAfterMs how long it asked to be left alone, in milliseconds.
   */
  failed(node: Node, cause: string, retryAfterMs = 0): void {
    const state = this.#states.find((each) => each.node === node);
    const now = this.#timing.monotonicMs();
    // Everything under way on one connection fails at once; that is one failure.
    if (state === undefined || state.backoffUntilMs > now) return;
    state.failures += 1;
    state.cause = cause;
    const { random } = this.#timing;
    // Never sooner than it asked for, and not all at the same time.
    const askedMs = retryAfterMs > 0 ? retryAfterMs * (1 + random() / 2) : 0;
    state.backoffUntilMs = now + Math.max(backoffMs(state.failures, random), askedMs);
  }

  /**
   * More than one node had too much to do: all of them have, as a rule, so that those that were not asked are left alone as well.
   *
   * @param retryAfterMs how long the last one asked to be left alone, in milliseconds.
   */
  allBusy(cause: string, retryAfterMs: number): void {
    for (const { node } of this.#states) this.failed(node, cause, retryAfterMs);
  }

  /** The error for when no node answers: which were tried, what each failed with, and what to look at. */
  unreachable(executed: Executed = "no", cause?: unknown): ToolgateError {
    const tried = this.#states.map((state) => `${state.node.address} (${state.cause})`).join(", ");
    const what = this.#states.length === 1 ? "The node does not answer" : "None of the nodes answers";
    const message = `${what}: ${tried}. Check the addresses, and that \`toolgate serve\` runs there.`;
    return new ToolgateError("NODE_UNREACHABLE", message, { executed, cause });
  }

  /** Ends all connections. */
  close(): void {
    for (const { node } of this.#states) node.close();
  }

  /** The current node, else the next in turn that may be tried, else the one that may be tried first. */
  #next(now: number): { readonly index: number; readonly state: NodeState } {
    const turns = this.#states.map((state, index) => {
      const turn = (this.#step * (index - this.#current) + this.#states.length) % this.#states.length;
      return { index, state, turn, restMs: Math.max(0, state.backoffUntilMs - now) };
    });
    turns.sort((a, b) => a.restMs - b.restMs || a.turn - b.turn);
    const [first] = turns;
    if (first === undefined) throw new ToolgateError("INTERNAL", "A client without nodes was made.");
    return first;
  }
}

function secure(tls: TlsOptions) {
  const pem = (part: string | Uint8Array | undefined) => (part === undefined ? null : Buffer.from(part));
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
}

function serverName(tls: boolean | TlsOptions | undefined): ChannelOptions {
  if (typeof tls !== "object" || tls.serverName === undefined) return {};
  return { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName };
}
