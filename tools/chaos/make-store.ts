import { ClusterStore } from "./cluster-store.js";
import { SentinelStore } from "./sentinel-store.js";
import { StandaloneStore } from "./standalone-store.js";
import type { Store, StoreKind } from "./store.js";

/** Every kind of store. */
export const STORE_KINDS: readonly StoreKind[] = ["standalone", "sentinel", "cluster"];

/** A store of a kind, not started yet. */
export function makeStore(kind: StoreKind, binary: string, folder: string): Store {
  switch (kind) {
    case "standalone":
      return new StandaloneStore(binary, folder);
    case "sentinel":
      return new SentinelStore(binary, folder);
    case "cluster":
      return new ClusterStore(binary, folder);
    default:
      return kind satisfies never;
  }
}
