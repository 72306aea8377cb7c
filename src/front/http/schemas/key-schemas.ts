import { Type } from "typebox";
import type { KeyHolder } from "../../../protocol/generated/toolgate/v1/KeyHolder.js";

export const PRINCIPAL_PARAM = Type.String({ maxLength: 512, description: "The principal, percent-encoded." });

const NEW_KEY = {
  key: Type.String({ description: "The key itself. It is shown once, and stored nowhere." }),
  keyId: Type.String({ description: "By which lists, logs and the audit name it." }),
  expiresAtMs: Type.Integer({ description: "When it expires, in Unix milliseconds; 0 for never." }),
};

export const MADE_KEY = Type.Object(NEW_KEY, { $id: "MadeKey" });

export const ROTATED_KEY = Type.Object(
  {
    ...NEW_KEY,
    formerUntilMs: Type.Integer({ description: "When the principal's former keys end, in Unix milliseconds." }),
  },
  { $id: "RotatedKey" },
);

export const KEY_PAGE = Type.Object(
  {
    holders: Type.Array(
      Type.Object({
        principal: Type.String(),
        roles: Type.Array(Type.String()),
        disabled: Type.Boolean({ description: "Whether none of its keys holds." }),
        keys: Type.Array(
          Type.Object({
            keyId: Type.String(),
            createdAtMs: Type.Integer({ description: "In Unix milliseconds." }),
            expiresAtMs: Type.Integer({ description: "In Unix milliseconds; 0 for never." }),
            lastUsedAtMs: Type.Integer({
              description: "To the minute, in Unix milliseconds; 0 where no use is known.",
            }),
          }),
          { description: "The oldest first." },
        ),
      }),
    ),
    nextPageToken: Type.String(),
  },
  { $id: "KeyPage" },
);

/** A principal with its keys, none of which is shown. */
export function holderOf({ principal = "", roles = [], disabled = false, keys = [] }: KeyHolder): object {
  return {
    ...{ principal, roles, disabled },
    keys: keys.map(({ keyId = "", createdAtMs = 0, expiresAtMs = 0, lastUsedAtMs = 0 }) => ({
      keyId,
      createdAtMs: Number(createdAtMs),
      expiresAtMs: Number(expiresAtMs),
      lastUsedAtMs: Number(lastUsedAtMs),
    })),
  };
}
