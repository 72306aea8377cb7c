import { absentStore } from "./absent-store.js";
import { failedOver } from "./failed-over.js";
import type { Figure } from "./figure.js";
import { killedNode } from "./killed-node.js";
import { killedProvider } from "./killed-provider.js";
import { kills } from "./kills.js";
import { lostPinger } from "./lost-pinger.js";
import { replacedMaster } from "./replaced-master.js";
import { rolling } from "./rolling.js";
import { sameId } from "./same-id.js";
import type { Scene } from "./scene.js";

/** Every experiment by its name, in the order of the table; each gives the rows that it measures. */
export const EXPERIMENTS = {
  kills,
  "killed-node": killedNode,
  "killed-provider": killedProvider,
  "lost-pinger": lostPinger,
  "absent-store": absentStore,
  "replaced-master": replacedMaster,
  "failed-over": failedOver,
  "same-id": sameId,
  rolling,
} as const satisfies Record<string, (scene: Scene) => Promise<Figure[]>>;

/** One of them. */
export type ExperimentName = keyof typeof EXPERIMENTS;

/** All of them, in order. */
export const EXPERIMENT_NAMES = Object.keys(EXPERIMENTS) as ExperimentName[]; // the table's own keys
