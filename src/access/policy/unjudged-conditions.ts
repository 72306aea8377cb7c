import { LRUCache } from "lru-cache";
import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import type { TenantName } from "../../identity/tenant.js";
import { documentPath } from "../../store/documents/document-ref.js";
import type { UnjudgedCondition } from "../caller-access.js";

/** What a node could not judge of one role. */
export interface UnjudgedRole {
  /** How often one of its conditions could not be judged since the role was changed last, or since this node started. */
  readonly times: number;
  /** The latest condition's rule: a JSON pointer into the role, as `/rules/0`. */
  readonly path: string;
  readonly why: UnjudgedCondition["why"];
  /** When that was, in Unix milliseconds. */
  readonly atMs: number;
}

/** How many roles are remembered; the one that was noted longest ago is forgotten first. */
const MAX_ROLES = 1_000;

/**
 * Counts by role which conditions this node could not judge, for who administers the role. A role that is changed or removed starts anew:
 * what was counted was about another condition.
 */
export class UnjudgedConditions {
  readonly #roles = new LRUCache<string, UnjudgedRole>({ max: MAX_ROLES });
  readonly #nowMs: () => number;

  /** @param nowMs the time by Redis's clock */
  constructor(documents: Pick<DocumentsReader, "onChange">, nowMs: () => number) {
    this.#nowMs = nowMs;
    documents.onChange((changed) => {
      for (const ref of changed) this.#roles.delete(documentPath(ref));
    });
  }

  /** Notes that a condition of a tenant's role could not be judged once. */
  note(tenant: TenantName, { rule, why }: UnjudgedCondition): void {
    const end = rule.lastIndexOf("#"); // a rule's pointer has none
    const key = `${tenant}/${rule.slice(0, end)}`;
    const times = (this.#roles.get(key)?.times ?? 0) + 1;
    this.#roles.set(key, { times, path: rule.slice(end + 1), why, atMs: this.#nowMs() });
  }

  /** What could not be judged of a document; undefined where there is nothing. */
  of(ref: DocumentRef): UnjudgedRole | undefined {
    return this.#roles.get(documentPath(ref));
  }
}
