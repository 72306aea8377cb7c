/** What holds a permit. */
export interface QuotaHolder {
  /** What it belongs to within its host: a connection. */
  readonly owner: object;
  /** When it was used last, by any measure that all holders share: the one for which that is longest ago is evicted first. */
  usedAt(): number;
  /** Called when it has to go; its permit is free by then. */
  evict(): void;
}

/** A part of the quota that is in use. */
export interface Permit {
  /** It is free again. Idempotent. */
  release(): void;
}

/** Why there is no permit: none is left in all, or none for this host. */
export type QuotaFault = "full" | "host_full";

interface HeldPermit extends Permit {
  readonly holder: QuotaHolder;
}

/**
 * A quota that hosts share: with a limit in all, and one for each host; see `peerHost`.
 *
 * Where none is left, hosts that have few are not kept away by those that have many: of the host that has the most, the holder
 * that was not used for longest is evicted, if that host then still has as many as the one that comes. Within a host the same
 * holds for its owners: many clients may come from one host, such as a balancer.
 */
export class FairQuota {
  readonly #max: number;
  readonly #maxPerHost: number;
  readonly #hosts = new Map<string, Set<HeldPermit>>();
  #count = 0;

  constructor(max: number, maxPerHost: number) {
    this.#max = max;
    this.#maxPerHost = maxPerHost;
  }

  /** How many permits are held. */
  get count(): number {
    return this.#count;
  }

  /** How many a host holds. */
  countOf(host: string): number {
    return this.#hosts.get(host)?.size ?? 0;
  }

  /** Takes a permit for something of a host's, or says why there is none. */
  acquire(host: string, holder: QuotaHolder): Permit | QuotaFault {
    const own = this.#hosts.get(host) ?? new Set<HeldPermit>();
    if (own.size >= this.#maxPerHost && !evictWithin(own, holder.owner)) return "host_full";
    if (this.#count >= this.#max && !this.#evictElsewhere(own.size) && !evictWithin(own, holder.owner)) return "full";
    const permit: HeldPermit = {
      holder,
      release: () => {
        if (!own.delete(permit)) return;
        this.#count--;
        if (own.size === 0) this.#hosts.delete(host);
      },
    };
    own.add(permit);
    this.#hosts.set(host, own);
    this.#count++;
    return permit;
  }

  /** Makes room for a host that holds `count` permits; false when no other host would keep as many. */
  #evictElsewhere(count: number): boolean {
    let most: ReadonlySet<HeldPermit> = new Set();
    for (const permits of this.#hosts.values()) if (permits.size > most.size) most = permits;
    if (most.size < count + 2) return false;
    evictIdlest(most);
    return true;
  }
}

/** Makes room for an owner in its own host; false when no other would keep as many. */
function evictWithin(permits: ReadonlySet<HeldPermit>, owner: object): boolean {
  const byOwner = new Map<object, HeldPermit[]>();
  for (const permit of permits) {
    const others = byOwner.get(permit.holder.owner);
    if (others === undefined) byOwner.set(permit.holder.owner, [permit]);
    else others.push(permit);
  }
  let most: readonly HeldPermit[] = [];
  for (const some of byOwner.values()) if (some.length > most.length) most = some;
  if (most.length < (byOwner.get(owner)?.length ?? 0) + 2) return false;
  evictIdlest(most);
  return true;
}

function evictIdlest(permits: Iterable<HeldPermit>): void {
  let idlest: HeldPermit | undefined;
  let usedAt = 0;
  for (const permit of permits) {
    const at = permit.holder.usedAt();
    if (idlest !== undefined && at >= usedAt) continue;
    idlest = permit;
    usedAt = at;
  }
  idlest?.release();
  idlest?.holder.evict();
}
