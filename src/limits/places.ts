/** What takes a place. */
export interface Tenant {
  /** What it belongs to within its host: a connection. */
  readonly owner: object;
  /** When it was used last, by any measure that all tenants share: the one for which that is longest ago gives way first. */
  usedAt(): number;
  /** Called when it has to give its place up; that is free by then. */
  vacate(): void;
}

/** One of the places. */
export interface Place {
  /** It is free again. Idempotent. */
  leave(): void;
}

/** Why there is no place: none is left in all, or none for this host. */
export type NoPlace = "full" | "host_full";

interface Taken extends Place {
  readonly tenant: Tenant;
}

/**
 * Places that hosts share: with a limit in all, and one for each host; see `peerHost`.
 *
 * Where none is left, those that have few are not kept away by those that have many: of the host that has the most, the place
 * that was not used for longest is vacated, if that host then still has as many as the one that comes. Within a host the same
 * holds for its owners: many clients may come from one host, such as a balancer.
 */
export class Places {
  readonly #max: number;
  readonly #maxPerHost: number;
  readonly #hosts = new Map<string, Set<Taken>>();
  #count = 0;

  constructor(max: number, maxPerHost: number) {
    this.#max = max;
    this.#maxPerHost = maxPerHost;
  }

  /** How many are taken. */
  get count(): number {
    return this.#count;
  }

  /** How many a host has taken. */
  countOf(host: string): number {
    return this.#hosts.get(host)?.size ?? 0;
  }

  /** Takes a place for something of a host's, or says why there is none. */
  take(host: string, tenant: Tenant): Place | NoPlace {
    const own = this.#hosts.get(host) ?? new Set<Taken>();
    if (own.size >= this.#maxPerHost && !vacateWithin(own, tenant.owner)) return "host_full";
    if (this.#count >= this.#max && !this.#vacateElsewhere(own.size) && !vacateWithin(own, tenant.owner)) return "full";
    const place: Taken = {
      tenant,
      leave: () => {
        if (!own.delete(place)) return;
        this.#count--;
        if (own.size === 0) this.#hosts.delete(host);
      },
    };
    own.add(place);
    this.#hosts.set(host, own);
    this.#count++;
    return place;
  }

  /** Makes room for a host that has `count` places; false when no other host would keep as many. */
  #vacateElsewhere(count: number): boolean {
    let most: ReadonlySet<Taken> = new Set();
    for (const places of this.#hosts.values()) if (places.size > most.size) most = places;
    if (most.size < count + 2) return false;
    vacateIdlest(most);
    return true;
  }
}

/** Makes room for an owner in its own host; false when no other would keep as many. */
function vacateWithin(places: ReadonlySet<Taken>, owner: object): boolean {
  const byOwner = new Map<object, Taken[]>();
  for (const place of places) {
    const others = byOwner.get(place.tenant.owner);
    if (others === undefined) byOwner.set(place.tenant.owner, [place]);
    else others.push(place);
  }
  let most: readonly Taken[] = [];
  for (const some of byOwner.values()) if (some.length > most.length) most = some;
  if (most.length < (byOwner.get(owner)?.length ?? 0) + 2) return false;
  vacateIdlest(most);
  return true;
}

function vacateIdlest(places: Iterable<Taken>): void {
  let idlest: Taken | undefined;
  let usedAt = 0;
  for (const place of places) {
    const at = place.tenant.usedAt();
    if (idlest !== undefined && at >= usedAt) continue;
    idlest = place;
    usedAt = at;
  }
  idlest?.leave();
  idlest?.tenant.vacate();
}
