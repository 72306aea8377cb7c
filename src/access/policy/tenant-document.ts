import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { DEFAULT_TENANT, isTenantName } from "../../identity/tenant.js";

/** A tenant other than the default one. */
export interface TenantSpec {
  readonly description: string;
  /** Its credentials do not hold for now. */
  readonly disabled: boolean;
}

const MAX_DESCRIPTION = 1_024;

/** The tenants: the default one is always there, all others are by such a document of the default one. */
export const TENANT: DocumentKind<TenantSpec> = {
  kind: "tenant",
  parse(body, ref) {
    const reader = new BodyReader();
    if (ref.tenant !== DEFAULT_TENANT) reader.add("", `may only be kept in the tenant "${DEFAULT_TENANT}"`);
    if (!isTenantName(ref.name))
      reader.add("", "must have a name of lower-case letters, digits and dashes, at most 63");
    if (ref.name === DEFAULT_TENANT) reader.add("", `cannot be about "${DEFAULT_TENANT}", which is always there`);
    const { description, disabled } = reader.object(body, "", ["description", "disabled"]);
    const spec = {
      description: description === undefined ? "" : reader.text(description, "/description", MAX_DESCRIPTION),
      disabled: disabled === undefined ? false : reader.flag(disabled, "/disabled"),
    };
    reader.throwIfAny(ref);
    return spec;
  },
};
