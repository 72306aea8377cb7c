import { KEY } from "../access/credentials/key-document.js";
import { type PeopleParts, removeEndedSessions } from "../access/credentials/people.js";
import { every, type Repeating } from "../async/every.js";
import { runInSlices, type Steps } from "../async/steps.js";
import type { DocumentsReader } from "../documents/document.js";
import type { Principal } from "../identity/principal.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { KeyUses } from "../store/access/key-uses.js";
import type { Leader } from "./leader.js";

/** The ids of all keys that there are. */
function* keysOf(documents: DocumentsReader): Steps<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const { spec } of documents.all(KEY)) {
    yield;
    for (const { id } of spec.keys) ids.add(id);
  }
  return ids;
}

/** How often it is looked for what has ended, in milliseconds: none of it holds any more, so there is no hurry. */
const EVERY_MS = 60_000;

/** The registry itself, in the histories of documents. */
const UPKEEP: Principal = Object.freeze({
  tenant: DEFAULT_TENANT,
  id: "toolgate",
  kind: "anonymous",
  roles: Object.freeze([]),
  attributes: Object.freeze({}),
});

/** Removes what ended credentials leave behind, on the elected node: documents of sessions, and notes of the uses of keys that are gone. */
export function createCredentialUpkeep(
  parts: Pick<PeopleParts, "documents" | "copy" | "clock"> & {
    readonly keyUses: Pick<KeyUses, "trim">;
    readonly leader: Pick<Leader, "leads">;
    readonly faults: FaultLog;
  },
): Repeating {
  return every(
    () => EVERY_MS,
    async () => {
      if (!parts.leader.leads) return;
      await removeEndedSessions(parts, { author: UPKEEP, reason: "ended" });
      await parts.keyUses.trim(await runInSlices(keysOf(parts.copy)));
    },
    (error) => parts.faults.warn({ event: "credential_upkeep_failed", error }, EVERY_MS),
  );
}
