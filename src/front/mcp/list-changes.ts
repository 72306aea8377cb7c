import { deferred } from "../../async/deferred.js";
import type { Ask } from "../http/route.js";
import type { RpcResponse } from "../http/rpcs.js";
import { failureOf } from "./errors.js";

/*
 * When a client hears that the list of tools has become another one: soon after the first change, and while changes go on less and less
 * often, since each announcement has the client read the whole list again. What happens in between is announced together, by one more.
 */

/** How long an announcement waits for what comes with the first change, in milliseconds. */
const SETTLE_MS = 200;
/** The least time between two announcements of one stream, in milliseconds: at first, and after many. */
const LEAST_MS = 1_000;
const MOST_MS = 30_000;
const GROWTH = 4;

/** What of a toolset's life changes which tools there are. */
const CHANGES_TOOLS: ReadonlySet<string> = new Set([
  "CHANGE_KIND_REGISTERED",
  "CHANGE_KIND_ACTIVATED",
  "CHANGE_KIND_RETIRED",
  "CHANGE_KIND_UNREGISTERED",
]);

/**
 * Yields whenever the list of tools that a caller may see has become another one. By then this node lists the new ones. Ends with its
 * caller's request.
 *
 * @param toolset only of this one, as the caller names it; of all where undefined
 * @throws RequestFailure why the node ends it
 */
export async function* listChanges(ask: Ask, toolset: string | undefined): AsyncGenerator<void, void, void> {
  const changes = new Changes();
  const following = follow(ask, toolset, changes).finally(() => changes.close());
  following.catch(() => {}); // thrown below
  let restMs = LEAST_MS;
  while (await changes.next()) {
    await changes.rest(SETTLE_MS);
    changes.take();
    yield;
    await changes.rest(restMs);
    restMs = changes.waiting ? Math.min(MOST_MS, restMs * GROWTH) : LEAST_MS;
  }
  await following;
}

/** Changes that were not announced yet, and whether there will be more. */
class Changes {
  #waiting = false;
  #closed = false;
  #news = deferred();
  readonly #end = deferred();

  get waiting(): boolean {
    return this.#waiting;
  }

  add(): void {
    this.#waiting = true;
    this.#news.resolve();
  }

  take(): void {
    this.#waiting = false;
    this.#news = deferred();
  }

  close(): void {
    this.#closed = true;
    this.#news.resolve();
    this.#end.resolve();
  }

  /** Resolves when there are any; with false when there will be none. */
  async next(): Promise<boolean> {
    await Promise.race([this.#news.promise, this.#end.promise]);
    return this.#waiting || !this.#closed;
  }

  /** Resolves after so long, in milliseconds, or when there will be no more. */
  async rest(ms: number): Promise<void> {
    if (this.#closed) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms).unref();
    });
    await Promise.race([over, this.#end.promise]);
    clearTimeout(timer);
  }
}

async function follow(ask: Ask, toolset: string | undefined, changes: Changes): Promise<void> {
  const toolsets = toolset === undefined ? [] : [toolset];
  for (;;) {
    // What the list is now, its reader finds out by itself: changes after that are news.
    const { revision = "" } = await ask.unary("Catalog/ListToolsets", { pageSize: 1 });
    try {
      for await (const message of ask.stream("Catalog/Watch", { revision, toolsets }))
        if (changesTools(message)) changes.add();
      return;
    } catch (error) {
      if (failureOf(error).error.reason !== "ACCESS_CHANGED") throw error;
      changes.add();
    }
  }
}

/** A snapshot stands for changes that are not known one by one. */
function changesTools({ snapshot, changes = [] }: RpcResponse<"Catalog/Watch">): boolean {
  if (snapshot !== undefined && snapshot !== null) return true;
  return changes.some(({ kind }) => CHANGES_TOOLS.has(String(kind)));
}
