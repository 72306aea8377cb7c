import type { SecretValues } from "../../observe/secret-values.js";
import type { CallContext } from "./call-context.js";
import type { Service } from "./methods.js";

/** The RPCs whose requests have a password. */
const WITH_PASSWORDS: ReadonlySet<string> = new Set(["/toolgate.v1.Access/Login", "/toolgate.v1.Access/SetPassword"]);

/**
 * The service, with the passwords of its requests hidden from logs once they were accepted. What is refused proves nothing, and must not
 * blot out what logs say.
 */
export function hidePasswords(service: Service, secrets: SecretValues): Service {
  const methods = Object.entries(service.methods).map(([name, method]) => {
    if (method.kind !== "unary" || !WITH_PASSWORDS.has(service.definition[name]?.path ?? "")) return [name, method];
    const { handler } = method;
    const hiding = async (request: never, context: CallContext) => {
      const answer = await handler(request, context);
      secrets.add((request as { readonly password: string }).password); // as the path says
      return answer;
    };
    return [name, { ...method, handler: hiding }];
  });
  return { ...service, methods: Object.fromEntries(methods) as Service["methods"] }; // the same names, each with a method of its kind
}
