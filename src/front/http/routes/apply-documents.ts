import { type Static, Type } from "typebox";
import { invalidField } from "../../../identity/names.js";
import { memberOf, slicesOf } from "../../../json/json-slices.js";
import type { DocumentChange__Output } from "../../../protocol/generated/toolgate/v1/DocumentChange.js";
import { route } from "../route.js";
import { APPLIED, refOf } from "../schemas/document-schemas.js";
import { count, REASON, TENANT } from "../schemas/query-schemas.js";

const NONE = Buffer.alloc(0);

const CHANGE = Type.Object(
  {
    tenant: TENANT,
    kind: Type.String({ maxLength: 64 }),
    name: Type.String({ maxLength: 512 }),
    body: Type.Optional(
      Type.Unknown({
        description: "Its new content, kept to the byte; hashes of secrets that it leaves out stay as they are.",
      }),
    ),
    remove: Type.Optional(Type.Literal(true, { description: "Removes it." })),
    restoreRevision: Type.Optional(count("Makes it what it was at this revision, to the byte.", 1)),
    expectRevision: Type.Optional(
      count("The revision that the change was made from, 0 for none: with another one, nothing is changed."),
    ),
  },
  { additionalProperties: false, description: "Has one of `body`, `remove` and `restoreRevision`." },
);

export const APPLY_DOCUMENTS = route({
  method: "POST",
  path: "/v1/documents::apply",
  documentedPath: "/v1/documents:apply",
  rpc: "Documents/ApplyDocuments",
  operationId: "applyDocuments",
  summary: "Changes documents, all or none; or says what would change.",
  tag: "configuration",
  body: Type.Object(
    {
      changes: Type.Array(CHANGE, { minItems: 1, maxItems: 100, description: "Each of another document." }),
      reason: REASON,
      dryRun: Type.Optional(Type.Boolean({ description: "Says what would change, and changes nothing." })),
      force: Type.Optional(Type.Boolean({ description: "Applies also what would leave no administrator." })),
    },
    { additionalProperties: false, $id: "DocumentChanges" },
  ),
  answers: { 200: { description: "What became of the changes.", schema: APPLIED } },
  async handle({ json: { changes, reason = "", dryRun = false, force = false }, body, ask }) {
    const applied = await ask.unary("Documents/ApplyDocuments", {
      changes: readChanges(changes, body),
      ...{ reason, dryRun, force },
    });
    const { outcomes = [], findings = [], revision = 0 } = applied;
    return {
      status: 200,
      body: {
        outcomes: outcomes.map(({ ref, outcome = "", revision: at = 0, differences = [] }) => ({
          ...refOf(ref),
          ...{ outcome, revision: Number(at), differences },
        })),
        findings: findings.map(({ ref, path = "", message = "" }) => ({ ...refOf(ref), path, message })),
        revision: Number(revision),
      },
    };
  },
});

/** The changes, with the contents as the bytes that they came as. @throws ToolgateError INVALID_REQUEST */
function readChanges(changes: readonly Static<typeof CHANGE>[], request: Buffer): DocumentChange__Output[] {
  const list = memberOf(request, "changes") ?? NONE;
  const texts = [...slicesOf(list)].map(({ start, end }) => list.subarray(start, end));
  return changes.map(({ tenant = "", kind, name, remove, restoreRevision, expectRevision }, index) => {
    const content = memberOf(texts[index] ?? NONE, "body");
    if ([content, remove, restoreRevision].filter((one) => one !== undefined).length !== 1)
      throw invalidField(`body/changes/${index}`, "must have one of body, remove and restoreRevision");
    return {
      ref: { tenant, kind, name },
      bodyJson: content ?? NONE,
      restoreRevision: restoreRevision ?? 0,
      ...(expectRevision === undefined ? {} : { expectRevision, _expectRevision: "expectRevision" as const }),
    };
  });
}
