import type { DocumentCheck } from "../documents/proposed-documents.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { SESSION, type SessionSpec } from "./credentials/session-document.js";

/**
 * Refuses sessions for other persons than their author: a session stands for its person with all of its roles, and authors of documents must
 * not come to them by a token of their own making. Anybody who administers a tenant may end its sessions.
 */
export const SESSION_CHECK: DocumentCheck = {
  kinds: [SESSION.kind],
  *check({ author, changes }) {
    for (const { ref, after } of changes) {
      yield;
      if (ref.kind !== SESSION.kind || after === undefined) continue;
      const { user } = after.spec as SessionSpec; // parsed by this kind
      if (author.kind === "user" && author.tenant === ref.tenant && author.id === user) continue;
      throw new ToolgateError("FORBIDDEN", `only a login of its person may write session "${ref.name}"`, {
        metadata: { verb: "administer" },
      });
    }
  },
};
