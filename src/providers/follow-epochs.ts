import { every, type Repeating } from "../async/every.js";
import type { CatalogCopy, CatalogEvent } from "../catalog/catalog-copy.js";
import type { ToolsetName } from "../identity/names.js";
import type { RedisClock } from "../redis/redis-time.js";
import type { ProviderSessions } from "./provider-sessions.js";

/** How often retiring epochs are looked at, in milliseconds. */
const INTERVAL_MS = 500;

/**
 * Tells this node's providers what became of their epochs: superseded when another one is active, and to go for good when
 * their time is over or the toolset was unregistered.
 */
export function followEpochs(catalog: CatalogCopy, sessions: ProviderSessions, clock: RedisClock): Repeating {
  let unsubscribe = (): void => {};
  const retireOverdue = every(
    () => INTERVAL_MS,
    async () => {
      const nowMs = clock.nowMs();
      for (const { toolset, epoch } of [...sessions.epochs()]) {
        const view = catalog.get(toolset)?.epochs.find((known) => known.epoch === epoch);
        if (view?.state === "retiring" && view.retireAtMs <= nowMs) void sessions.retire(toolset, epoch, "gone");
      }
    },
    () => {}, // it only reads memory
  );
  const onChange = (event: CatalogEvent): void => {
    if (event.kind === "reloaded") {
      // What happened in the gap is not known: say again which epochs are superseded. Renewal notices the epochs that are gone.
      for (const toolset of new Set([...sessions.epochs()].map((served) => served.toolset))) {
        supersede(catalog, sessions, toolset);
      }
    }
    if (event.kind !== "changed") return;
    for (const { kind, toolset, epoch } of event.entries) {
      if (kind === "activated") supersede(catalog, sessions, toolset);
      if (kind === "retired") void sessions.retire(toolset, epoch, "gone");
      if (kind === "unregistered" && catalog.get(toolset) === undefined) {
        for (const served of [...sessions.epochs()])
          if (served.toolset === toolset) void sessions.retire(toolset, served.epoch, "unregistered");
      }
    }
  };
  return {
    start() {
      unsubscribe = catalog.onChange(onChange);
      retireOverdue.start();
    },
    async stop() {
      unsubscribe();
      await retireOverdue.stop();
    },
  };
}

/** Tells the providers of a toolset's retiring epochs which one is active. */
export function supersede(catalog: CatalogCopy, sessions: ProviderSessions, toolset: ToolsetName): void {
  const view = catalog.get(toolset);
  if (view?.active === undefined) return;
  for (const { epoch } of view.retiring)
    void sessions.superseded(toolset, epoch, view.active.epoch, view.active.version);
}
