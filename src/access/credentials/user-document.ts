import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { invalidDocument } from "../../documents/invalid-document.js";
import { isObject, readAttributes, readMatch, readRoles, withMember, without } from "./principal-members.js";

/** A person. The document's name is the person's id. */
export interface UserSpec {
  /** The hash of the password, as password-hash.ts writes it. */
  readonly password: string;
  readonly roles: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** Neither the password nor a session holds. */
  readonly disabled: boolean;
}

const PASSWORD = /^\$[a-z0-9-]+\$[\x21-\x7e]{1,256}$/;

/** People that log in by a password: written by SetPassword. */
export const USER: DocumentKind<UserSpec> = {
  kind: "user",
  parse(body, ref) {
    const reader = new BodyReader();
    const members = reader.object(body, "", ["password", "roles", "attributes", "disabled"]);
    const spec = {
      password: readMatch(reader, members.password, "/password", PASSWORD, "must be a hash that SetPassword made"),
      roles: readRoles(reader, members.roles, "/roles"),
      attributes: readAttributes(reader, members.attributes, "/attributes"),
      disabled: members.disabled === undefined ? false : reader.flag(members.disabled, "/disabled"),
    };
    reader.throwIfAny(ref);
    return spec;
  },
  redact: (body) => without(body, "password"),
  restore: (body, former) => withMember(body, former, "password"),
  /** The password stays the one that holds: one that was changed is not to be believed again. */
  revert: (body, now, ref) => {
    if (!isObject(body)) return body;
    if (!isObject(now)) {
      const description = "does not come back with its person: toolgate access user set-password makes both anew";
      throw invalidDocument(ref, [{ field: "/password", description }]);
    }
    return body.password === now.password ? body : { ...body, password: now.password };
  },
};
