import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { DEFAULT_TENANT } from "../../identity/tenant.js";
import { isBuiltInRole } from "./built-in-roles.js";
import { readPolicyTest } from "./policy-test.js";
import type { RoleSpec } from "./role-spec.js";
import { readRule } from "./rule.js";

const MAX_RULES = 100;
const MAX_TESTS = 200;
const MAX_DESCRIPTION = 1_024;

/** Roles of administrators' own, beside the built-in ones. */
export const ROLE: DocumentKind<RoleSpec> = {
  kind: "role",
  parse(body, ref) {
    const reader = new BodyReader();
    if (isBuiltInRole(ref.name)) reader.add("", `is built in; give a role of your own another name than "${ref.name}"`);
    const { scope, description, rules, tests } = reader.object(body, "", ["scope", "description", "rules", "tests"]);
    const where = scope === undefined ? "tenant" : (reader.word(scope, "/scope", ["tenant", "cluster"]) ?? "tenant");
    if (where === "cluster" && ref.tenant !== DEFAULT_TENANT)
      reader.add("/scope", `may be "cluster" only in the tenant "${DEFAULT_TENANT}"`);
    const spec: RoleSpec = {
      scope: where,
      description: description === undefined ? "" : reader.text(description, "/description", MAX_DESCRIPTION),
      rules: reader.list(rules, "/rules", { most: MAX_RULES }).map(([rule, place]) => readRule(reader, rule, place)),
      tests:
        tests === undefined
          ? []
          : reader
              .list(tests, "/tests", { most: MAX_TESTS })
              .map(([test, place]) => readPolicyTest(reader, test, place)),
    };
    reader.throwIfAny(ref);
    return spec;
  },
};
