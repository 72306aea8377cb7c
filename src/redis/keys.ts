import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId, RegistryName, ToolsetName } from "../identity/names.js";
import type { TenantName } from "../identity/tenant.js";

/**
 * The only place that spells Redis keys and channels.
 *
 * All keys of one toolset live in one shard, under one hash tag, so that every script touches a single slot of a Redis
 * Cluster. Scripts learn of call ids, and of new epochs, only while they run; they build those keys from `prefix`,
 * which is declared as a key and carries the same tag.
 */
export class ShardKeys {
  readonly shard: number;
  readonly prefix: string;

  constructor(registry: RegistryName, shard: number) {
    this.shard = shard;
    this.prefix = `toolgate:{${registry}/${shard}}:`;
  }

  /** Hash: toolset → record, toolset@epoch → canonical contract. */
  get toolsets(): string {
    return `${this.prefix}toolsets`;
  }
  /** Hash: toolset@epoch → state, last pong, last lease end, room; see health-entry.ts. */
  get health(): string {
    return `${this.prefix}health`;
  }
  /** Hash: toolset → last epoch given, toolset@first → the first one that this Redis remembers; both outlive the toolset. */
  get epochs(): string {
    return `${this.prefix}epochs`;
  }
  /** Stream: what happened to the catalogue; trimmed. */
  get changes(): string {
    return `${this.prefix}changes`;
  }
  /** Channel: `changes` has grown. */
  get changed(): string {
    return `${this.prefix}changed`;
  }
  /** Sorted set: unfinished calls by the time at which they must be looked at. */
  get due(): string {
    return `${this.prefix}due`;
  }
  /** Hash: when nodes were at this shard, and when none was; see presence.ts. */
  get presence(): string {
    return `${this.prefix}presence`;
  }
  /** String, expires: since when a node looks through the waiting lines, or that none is to for a while; see line-search.ts. */
  get search(): string {
    return `${this.prefix}search`;
  }
  /** String, expires: what is written to ask the replicas how far they are. */
  get commit(): string {
    return `${this.prefix}commit`;
  }
  /** Channel: pings, to all nodes. */
  get pings(): string {
    return `${this.prefix}pings`;
  }
  /** String: one ping slot of one shard, so that two pingers at once do not double it. */
  slot(slot: number): string {
    return `${this.prefix}slot:${slot}`;
  }
  /** Channel: notifications to one node. */
  node(node: NodeId): string {
    return `${this.prefix}node:${node}`;
  }
  /** Channel: the requests stream of an epoch has grown. */
  work(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}work:${toolset}:${epoch}`;
  }
  /** Sorted set: provider/incarnation by lease end. */
  leases(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}leases:${toolset}:${epoch}`;
  }
  /** Sorted set: providers whose leases keep the epoch live, by lease end: those that are attached and do not drain. */
  serving(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}serving:${toolset}:${epoch}`;
  }
  /** Hash: provider → incarnation, hash of the lease token, room, stage, session, and what all of them come to; see provider-entry.ts and epoch-lua.ts. */
  providers(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}providers:${toolset}:${epoch}`;
  }
  /** Stream: admitted calls of an epoch, until they end; one consumer group. */
  requests(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}requests:${toolset}:${epoch}`;
  }
  /** Sorted set, expires: calls of an epoch whose providers were lost, by those, for others to take; see call-lua.ts. */
  again(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}again:${toolset}:${epoch}`;
  }
  /** Stream, bounded, expires: calls that have ended; see store/calls/ended-calls.ts. */
  ended(stream: "ended" | "ended-remarkable"): string {
    return `${this.prefix}${stream}`;
  }
  /** String, expires: one call's record; see record-lua.ts. */
  call(id: CallId): string {
    return `${this.prefix}call:${id}`;
  }
  /** Stream, expires: one call's output. */
  result(id: CallId): string {
    return `${this.prefix}result:${id}`;
  }
  /** Stream, bounded: calls of a toolset that were given up. */
  dead(toolset: ToolsetName): string {
    return `${this.prefix}dead:${toolset}`;
  }
  /** Stream, expires: what the audit has of a day; see store/audit/audit-stream.ts. */
  auditDay(day: number): string {
    return `${this.prefix}audit:${day}`;
  }
  /** Hash: the days that the audit has, and how far each is sealed. */
  get audit(): string {
    return `${this.prefix}audit`;
  }
  /** String, expires: the node whose turn it is to seal the audit. */
  get auditTurn(): string {
    return `${this.prefix}audit-turn`;
  }
  /** Sorted set, expires: calls whose end a webhook is to be told, by when; see store/deliveries/delivery-format.ts. */
  webhookDue(webhook: string): string {
    return `${this.prefix}webhook-due:${webhook}`;
  }
  /** Hash, expires: what is known of those deliveries. */
  webhookDeliveries(webhook: string): string {
    return `${this.prefix}webhook-deliveries:${webhook}`;
  }
  /** Stream, bounded, expires: deliveries to a webhook that were given up. */
  webhookFailed(webhook: string): string {
    return `${this.prefix}webhook-failed:${webhook}`;
  }
  /** String, expires: how far a rate is used up; see store/call-limits/limits-lua.ts. */
  rate(subject: string): string {
    return `${this.prefix}rate:${subject}`;
  }
  /** Sorted set, expires: unfinished calls that a limit counts, by deadline. */
  running(subject: string): string {
    return `${this.prefix}running:${subject}`;
  }
  /** String, expires: how much of a budget is spent. */
  spent(subject: string): string {
    return `${this.prefix}spent:${subject}`;
  }
  /** String, expires: how often in a row a run's call has failed in the same way. */
  failing(subject: string): string {
    return `${this.prefix}failing:${subject}`;
  }
  /** Sorted set, expires: tenants that an epoch's toolset does not belong to, by how many unfinished calls they have there. */
  guests(toolset: ToolsetName, epoch: Epoch): string {
    return `${this.prefix}guests:${toolset}:${epoch}`;
  }
  /** What was found damaged in the place of a call's record (`<id>`) of an epoch's keys (`requests:…`, `leases:…`, `serving:…`, `providers:…`), of output (`result:<id>`), or of a key that a whole shard has (`due`, `toolsets`, …); expires. */
  damaged(what: string): string {
    return `${this.prefix}damaged:${what}`;
  }
}

/** All shards of a registry. */
export interface Keyspace {
  readonly registry: RegistryName;
  readonly shards: readonly ShardKeys[];
  forToolset(toolset: ToolsetName): ShardKeys;
  /** The shard of what is counted for a tenant, its callers and their runs. */
  forTenant(tenant: TenantName): ShardKeys;
  /** The shard that a call id carries, or nothing when there is no such shard. */
  forCall(id: CallId): ShardKeys | undefined;
  /** The pinger's lock. */
  readonly pingerLock: string;
  /** String: how many shards the registry has. */
  readonly shardCountKey: string;
  /** Hash: node → until when it is listed, its formats and its version; see node-list.ts. */
  readonly nodesKey: string;
  /** String: the number of the formats that the registry is kept in. */
  readonly formatKey: string;
  /** String: the key of the audit's digests, where no key ring is configured. */
  readonly auditKey: string;
  /** Where administrators' documents are. */
  readonly documents: DocumentKeys;
  /** How many logins have failed lately, in shard 0. */
  readonly logins: LoginKeys;
  /** Hash, in shard 0: key → when it was used last; see key-uses.ts. */
  readonly keyUses: string;
}

/** The keys by which logins are counted, all in shard 0; see login-attempts.ts. */
export interface LoginKeys {
  /** String, expires: how far the rate of logins of an account or an address is used up. */
  rate(subject: string): string;
  /** String, expires: that an account has logged in from an address. */
  known(subject: string): string;
}

/** The keys of administrators' documents, all in shard 0. */
export interface DocumentKeys {
  /** The shard that they are in. */
  readonly shard: ShardKeys;
  /** Hash: document → its entry; `@revision` → the registry's latest revision; `@<tenant>` → what its documents come to; see document-entry.ts. */
  readonly documents: string;
  /** Stream: which documents were changed, an entry for each revision; trimmed. */
  readonly changes: string;
  /** Channel: `changes` has grown. */
  readonly changed: string;
  /** Hash: the former revisions of one document; see document-history.ts. */
  history(path: string): string;
  /** Sorted set, bounded: removed documents of a tenant and kind whose history is kept, by the revision that removed them. */
  removed(tenant: string, kind: string): string;
}

/** Spreads a registry over `shardCount` shards; every node of a cluster must say the same number. */
export function createKeyspace(registry: RegistryName, shardCount: number): Keyspace {
  const shards = Array.from({ length: shardCount }, (_, shard) => new ShardKeys(registry, shard));
  const first = new ShardKeys(registry, 0);
  const at = (index: number): ShardKeys => {
    const keys = shards[index];
    if (keys === undefined) throw new RangeError(`shard ${index} of ${shardCount}`);
    return keys;
  };
  return {
    registry,
    shards,
    forToolset: (toolset) => at(fnv1a(toolset) % shardCount),
    forTenant: (tenant) => at(fnv1a(`tenant ${tenant}`) % shardCount),
    forCall: (id) => shards[Number.parseInt(id.slice(0, id.indexOf(".")), 36)],
    pingerLock: `toolgate:{${registry}/0}:pinger`,
    shardCountKey: `toolgate:{${registry}/0}:shards`,
    nodesKey: `toolgate:{${registry}/0}:nodes`,
    formatKey: `toolgate:{${registry}/0}:format`,
    auditKey: `toolgate:{${registry}/0}:audit-key`,
    documents: {
      shard: first,
      documents: `${first.prefix}documents`,
      changes: `${first.prefix}document-changes`,
      changed: `${first.prefix}documents-changed`,
      history: (path) => `${first.prefix}document:${path}`,
      removed: (tenant, kind) => `${first.prefix}removed-documents:${tenant}/${kind}`,
    },
    logins: {
      rate: (subject) => `${first.prefix}logins:${subject}`,
      known: (subject) => `${first.prefix}login-address:${subject}`,
    },
    keyUses: `${first.prefix}key-uses`,
  };
}

/** FNV-1a, 32 bit: spreads names evenly and never changes between versions (http://www.isthe.com/chongo/tech/comp/fnv/). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
