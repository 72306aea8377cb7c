import { every, type Repeating } from "../async/every.js";
import type { DocumentsReader, StoredDocument } from "../documents/document.js";
import { EgressError } from "../egress/egress-error.js";
import type { GuardedFetch } from "../egress/guarded-fetch.js";
import type { TenantName } from "../identity/tenant.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import { ShardRunner } from "../redis/shard-runner.js";
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
/** The most deliveries of one webhook that a node makes at once, and of all. */
const MOST_OF_ONE = 8;
const MOST_AT_ONCE = 64;
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
  readonly #runner: ShardRunner;
  readonly #underWay = new Map<Promise<void>, WebhookPath>();
  #stopping = false;

  constructor(parts: WebhookDeliveryParts) {
    this.#parts = parts;
    const onError = (error: unknown): void => parts.faults.warn({ event: "webhook_queue_failed", error });
    this.#runner = new ShardRunner(parts.store.keyspace.shards, onError);
    this.#loop = every(
      // A little chance keeps the nodes apart.
      () => INTERVAL_MS * (0.75 + 0.5 * parts.random()),
      async () => this.#look(),
      onError,
    );
  }

  start(): void {
    this.#loop.start();
  }

  /** Attempts that are under way are broken off, and are any other node's at once. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
    await this.#runner.idle();
    await this.#parts.fetch.stop();
    await Promise.all(this.#underWay.keys());
  }

  #look(): void {
    const webhooks = new Map<WebhookPath, StoredDocument<WebhookSpec>>();
    for (const webhook of this.#parts.documents.all(WEBHOOK))
      webhooks.set(`${webhook.ref.tenant}/${webhook.ref.name}`, webhook);
    if (webhooks.size === 0) return;
    const { secrets, faults } = this.#parts;
    if (secrets === undefined) {
      const error = new TypeError("TOOLGATE_WEBHOOK_SECRETS names no folder, so this node tells no webhook");
      faults.warn({ event: "webhooks_not_told", error }, INTERVAL_MS);
      return;
    }
    void this.#runner.runOnAll((keys) => this.#claim(keys, webhooks, secrets));
  }

  async #claim(
    keys: ShardKeys,
    webhooks: ReadonlyMap<WebhookPath, StoredDocument<WebhookSpec>>,
    secrets: SigningSecrets,
  ): Promise<void> {
    const wanted = this.#room(webhooks.keys());
    if (wanted.length === 0 || this.#stopping) return;
    const { store, timeoutMs } = this.#parts;
    const claimed = await claimDeliveries(store.redis, keys, wanted, timeoutMs + CLAIM_MARGIN_MS);
    for (const delivery of claimed) {
      const webhook = webhooks.get(delivery.webhook);
      if (webhook === undefined) continue; // only such were asked for
      const running = this.#deliver(keys, delivery, webhook, secrets)
        .catch((error: unknown) => this.#parts.faults.warn({ event: "webhook_queue_failed", error }))
        .finally(() => this.#underWay.delete(running));
      this.#underWay.set(running, delivery.webhook);
    }
  }

  /** How many deliveries of each webhook this node would begin now. */
  #room(webhooks: Iterable<WebhookPath>): (readonly [WebhookPath, number])[] {
    const running = new Map<WebhookPath, number>();
    for (const webhook of this.#underWay.values()) running.set(webhook, (running.get(webhook) ?? 0) + 1);
    let left = MOST_AT_ONCE - this.#underWay.size;
    const wanted: (readonly [WebhookPath, number])[] = [];
    for (const webhook of webhooks) {
      const most = Math.min(left, MOST_OF_ONE - (running.get(webhook) ?? 0));
      if (most <= 0) continue;
      wanted.push([webhook, most]);
      left -= most;
    }
    return wanted;
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
