import { every, type Repeating } from "../async/every.js";
import type { DocumentsReader, StoredDocument } from "../documents/document.js";
import { EgressError } from "../egress/egress-error.js";
import type { GuardedFetch } from "../egress/guarded-fetch.js";
import type { TenantName } from "../identity/tenant.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import type { Ending } from "../store/calls/call-record.js";
import type { CallStore } from "../store/calls/call-store.js";
import type { LargeReadings } from "../store/calls/large-readings.js";
import { readCall } from "../store/calls/read-call.js";
import {
  type ClaimedDelivery,
  claimDeliveries,
  type DeliveryVerdict,
  finishDelivery,
  type WebhookPath,
} from "../store/deliveries/delivery-queue.js";
import { type AttemptOutcome, planRetry, type RetrySettings } from "../webhooks/retry-plan.js";
import { messageId, signedHeaders } from "../webhooks/signature.js";
import type { SigningSecrets } from "../webhooks/signing-secrets.js";
import { WEBHOOK, type WebhookSpec } from "../webhooks/webhook.js";
import { callEndedMessage } from "./webhook-message.js";

/** How often a node looks for deliveries, in milliseconds. */
const INTERVAL_MS = 250;
/** The most deliveries of one webhook that a node makes at once, and of all; of one whose receiver did not answer last, a single one. */
export const MOST_OF_ONE = 16;
const MOST_AT_ONCE = 128;
/** How much longer than the attempt itself a claim holds, in milliseconds: the end is read, and the outcome is written. */
const CLAIM_MARGIN_MS = 15_000;

/** What became of an attempt, for metrics: `skipped`: the webhook does not want ends of this kind. */
export type DeliveryOutcome = "delivered" | "retried" | "failed" | "skipped";

export interface WebhookDeliveryParts extends RetrySettings {
  readonly store: CallStore;
  readonly readings: Pick<LargeReadings, "ending">;
  readonly documents: Pick<DocumentsReader, "all">;
  /** Undefined where the node has no folder of secrets: then it delivers nothing. */
  readonly secrets: SigningSecrets | undefined;
  /** What dials receivers, and nothing that is private; it is stopped with this. */
  readonly fetch: Pick<GuardedFetch, "post" | "stop">;
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: { nowMs(): number };
  readonly random: () => number;
  readonly onOutcome?: ((outcome: DeliveryOutcome) => void) | undefined;
  readonly log: Logger;
  readonly faults: FaultLog;
}

/**
 * Tells webhooks of calls that have ended. Every node does it: what is due is claimed in Redis, and claimed again where the node is lost
 * that had it, so a message may come twice, with the same id. While there is no webhook nothing is asked of Redis.
 */
export class WebhookDeliveries implements Repeating {
  readonly #parts: WebhookDeliveryParts;
  readonly #loop: Repeating;
  readonly #claiming = new Map<ShardKeys, Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  /** How many deliveries of a webhook are under way, or may come of a claim that is. */
  readonly #taken = new Map<WebhookPath, number>();
  #takenInAll = 0;
  /** Those whose receivers did not answer last. */
  readonly #unanswering = new Set<WebhookPath>();
  readonly #onError: (error: unknown) => void;
  #stopping = false;

  constructor(parts: WebhookDeliveryParts) {
    this.#parts = parts;
    this.#onError = (error) => parts.faults.warn({ event: "webhook_queue_failed", error }, INTERVAL_MS);
    this.#loop = every(
      // A little chance keeps the nodes apart.
      () => INTERVAL_MS * (0.75 + 0.5 * parts.random()),
      async () => this.#look(),
      this.#onError,
    );
  }

  start(): void {
    this.#loop.start();
  }

  /** Attempts that are under way are broken off, and are any other node's at once. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
    await Promise.all(this.#claiming.values());
    await this.#parts.fetch.stop();
    await Promise.all(this.#underWay);
  }

  #look(): void {
    if (this.#webhooks().size === 0) return;
    const { secrets, faults, store, random } = this.#parts;
    if (secrets === undefined) {
      const error = new TypeError("TOOLGATE_WEBHOOK_SECRETS names no folder, so this node tells no webhook");
      faults.warn({ event: "webhooks_not_told", error }, INTERVAL_MS);
      return;
    }
    const { shards } = store.keyspace;
    // Another shard is first each time: where there is room for few, each has its turn.
    const first = Math.floor(random() * shards.length);
    for (const keys of [...shards.slice(first), ...shards.slice(0, first)]) this.#claim(keys, secrets);
  }

  #webhooks(): ReadonlyMap<WebhookPath, StoredDocument<WebhookSpec>> {
    const all = [...this.#parts.documents.all(WEBHOOK)];
    return new Map(all.map((webhook) => [`${webhook.ref.tenant}/${webhook.ref.name}`, webhook]));
  }

  /** Begins what is due in a shard, unless that is being asked already. */
  #claim(keys: ShardKeys, secrets: SigningSecrets): void {
    if (this.#stopping || this.#claiming.has(keys)) return;
    const webhooks = this.#webhooks();
    const wanted = this.#reserve(webhooks.keys());
    if (wanted.length === 0) return;
    const { store, timeoutMs } = this.#parts;
    const claiming = claimDeliveries(store.redis, keys, wanted, timeoutMs + CLAIM_MARGIN_MS)
      .then(
        (claimed) => {
          const left = new Map(wanted);
          for (const delivery of claimed) {
            const webhook = webhooks.get(delivery.webhook);
            if (webhook === undefined) continue; // only such were asked for
            left.set(delivery.webhook, (left.get(delivery.webhook) ?? 0) - 1);
            this.#begin(keys, delivery, webhook, secrets);
          }
          for (const [webhook, count] of left) this.#take(webhook, -count);
        },
        (error: unknown) => {
          for (const [webhook, count] of wanted) this.#take(webhook, -count);
          this.#onError(error);
        },
      )
      .finally(() => this.#claiming.delete(keys));
    this.#claiming.set(keys, claiming);
  }

  #begin(
    keys: ShardKeys,
    delivery: ClaimedDelivery,
    webhook: StoredDocument<WebhookSpec>,
    secrets: SigningSecrets,
  ): void {
    const running = this.#deliver(keys, delivery, webhook, secrets)
      .catch(this.#onError)
      .finally(() => {
        this.#underWay.delete(running);
        this.#take(delivery.webhook, -1);
        // What waits behind it need not wait for the next look.
        if (!this.#unanswering.has(delivery.webhook)) this.#claim(keys, secrets);
      });
    this.#underWay.add(running);
  }

  /** Makes room for deliveries of one shard: of each webhook as many as the shard's share of what it may have. */
  #reserve(webhooks: Iterable<WebhookPath>): (readonly [WebhookPath, number])[] {
    const share = Math.max(1, Math.floor(MOST_OF_ONE / this.#parts.store.keyspace.shards.length));
    const wanted: (readonly [WebhookPath, number])[] = [];
    for (const webhook of webhooks) {
      const most = this.#unanswering.has(webhook) ? 1 : MOST_OF_ONE;
      const room = Math.min(share, most - (this.#taken.get(webhook) ?? 0), MOST_AT_ONCE - this.#takenInAll);
      if (room <= 0) continue;
      wanted.push([webhook, room]);
      this.#take(webhook, room);
    }
    return wanted;
  }

  #take(webhook: WebhookPath, count: number): void {
    const taken = (this.#taken.get(webhook) ?? 0) + count;
    if (taken === 0) this.#taken.delete(webhook);
    else this.#taken.set(webhook, taken);
    this.#takenInAll += count;
  }

  async #deliver(
    keys: ShardKeys,
    delivery: ClaimedDelivery,
    { ref: { tenant }, spec }: StoredDocument<WebhookSpec>,
    secrets: SigningSecrets,
  ): Promise<void> {
    const { store, clock, random } = this.#parts;
    const { call, attempt, webhook } = delivery;
    const { outcomes } = spec;
    if (outcomes !== undefined && call.kind !== "unknown" && !outcomes.includes(call.kind)) {
      await finishDelivery(store.redis, keys, delivery, { kind: "done" });
      this.#parts.onOutcome?.("skipped");
      return;
    }
    const outcome = await this.#attempt(delivery, tenant, spec, secrets);
    if (outcome.kind === "unanswered") this.#unanswering.add(webhook);
    else this.#unanswering.delete(webhook);
    const verdict: DeliveryVerdict =
      this.#stopping && outcome.kind === "unanswered"
        ? { kind: "retry", why: "NODE_STOPPED", delayMs: 0 }
        : planRetry(outcome, attempt, clock.nowMs() - call.endedMs, this.#parts, random());
    if (!(await finishDelivery(store.redis, keys, delivery, verdict))) return;
    const { kind } = verdict;
    this.#parts.onOutcome?.(kind === "done" ? "delivered" : kind === "retry" ? "retried" : "failed");
    if (kind === "failed")
      this.#parts.log.warn({
        event: "webhook_given_up",
        webhook,
        callId: call.id,
        why: verdict.why,
        attempts: attempt,
      });
  }

  async #attempt(
    { call, webhook }: ClaimedDelivery,
    tenant: TenantName,
    spec: WebhookSpec,
    secrets: SigningSecrets,
  ): Promise<AttemptOutcome> {
    const { fetch, clock } = this.#parts;
    const reading = await secrets.read(tenant, spec.secrets);
    if (reading.kind === "missing") return this.#unanswered(webhook, "NO_SECRET", reading.why);
    const ending = spec.includeResult === true ? await this.#endingOf(call.id) : undefined;
    const body = callEndedMessage(call, tenant, spec, ending);
    const proof = signedHeaders(messageId(call.id, webhook), clock.nowMs(), body, reading.secrets);
    const headers = { "content-type": "application/json", "user-agent": "toolgate-webhook", ...proof };
    try {
      const { status, retryAfter } = await fetch.post(spec.url, headers, body);
      return { kind: "answered", status, retryAfterMs: readSeconds(retryAfter) };
    } catch (error) {
      const isRefused = error instanceof EgressError && error.kind === "refused";
      const why = error instanceof EgressError ? error.message : "it failed";
      return this.#unanswered(webhook, isRefused ? "REFUSED" : "UNREACHABLE", why);
    }
  }

  #unanswered(webhook: WebhookPath, why: "REFUSED" | "UNREACHABLE" | "NO_SECRET", said: string): AttemptOutcome {
    if (!this.#stopping)
      this.#parts.faults.warn({ event: "webhook_not_told", of: webhook, error: new Error(said) }, INTERVAL_MS);
    return { kind: "unanswered", why };
  }

  /** A call's end, also a large one; nothing where its record has expired. */
  async #endingOf(id: ClaimedDelivery["call"]["id"]): Promise<Ending | undefined> {
    const { store, readings, timeoutMs } = this.#parts;
    const ending = (await readCall(store, id, { outputBytes: 0 }))?.ending;
    if (ending?.kind !== "large") return ending;
    return readings.ending(id, { client: "webhooks", signal: AbortSignal.timeout(timeoutMs) });
  }
}

/** A `Retry-After` of seconds (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3), in milliseconds; dates are not read. */
function readSeconds(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}
