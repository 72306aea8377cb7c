import type { Environment } from "../../config/environment.js";
import { readSecret } from "../../config/secret-reference.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { ToolFailure } from "../../index.js";
import type { Json } from "../../json/json.js";
import { printable } from "../server-log.js";
import { isFieldName, isFieldValue } from "./header-fields.js";
import { HTTP_NO_CREDENTIAL } from "./http-failure.js";
import { isObject, type OpenApiDocument } from "./openapi-document.js";
import type { Operation } from "./operations.js";
import { encodePart } from "./parameter-style.js";
import type { ParameterPlace } from "./parameters.js";
import { placeIn, usable } from "./unusable.js";

/** Secrets by what they are for, each as a reference: `env:NAME` or `file:path`. */
export type SecretReferences = Readonly<Record<string, string>>;

/** What a credential adds to a request. */
export interface CredentialParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: readonly string[];
  readonly cookies: readonly string[];
}

/** How one secret is sent. */
interface Carrier {
  readonly in: Exclude<ParameterPlace, "path">;
  readonly name: string;
  readonly write: (secret: string) => string;
}

/** How long a secret is used until its reference is read again, in milliseconds: files are changed while the mount runs. */
const REREAD_MS = 10_000;

/**
 * The credentials of a mount: what the operator has named for the document's security schemes
 * (https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object), and headers for all requests. References are read where they are
 * used, so that a file may change; what was read stands in no message.
 */
export class Credentials {
  readonly #schemes: SecretReferences;
  readonly #headers: SecretReferences;
  readonly #env: Environment;
  readonly #now: () => number;
  readonly #read = new Map<string, { readonly value: string; readonly atMs: number }>();

  /**
   * @param schemes by the names of the document's schemes.
   * @param headers by the names of the headers.
   * @throws ToolgateError INVALID_CONFIG when a reference is none, or leads to no secret
   */
  constructor(schemes: SecretReferences, headers: SecretReferences, env: Environment, now: () => number) {
    this.#schemes = schemes;
    this.#headers = headers;
    this.#env = env;
    this.#now = now;
    for (const name of Object.keys(headers)) {
      if (!isFieldName(name)) throw invalid(`A header cannot be named ${JSON.stringify(printable(name, 100))}`);
    }
    for (const [name, reference] of [...Object.entries(schemes), ...Object.entries(headers)]) {
      if (!/^(env|file):./.test(reference)) {
        throw invalid(
          `The secret of ${printable(name, 100)} must be env:NAME or file:path, so that it stands in no command line`,
        );
      }
      const secret = this.#secret(reference);
      if ("fault" in secret) throw invalid(`The secret of ${printable(name, 100)} ${secret.fault}`);
    }
  }

  /** Whether there are any. */
  get areThere(): boolean {
    return Object.keys(this.#schemes).length + Object.keys(this.#headers).length > 0;
  }

  /**
   * Checks that the document has the schemes that secrets are named for.
   *
   * @throws ToolgateError INVALID_CONFIG
   */
  checkSchemes(document: OpenApiDocument): void {
    for (const name of Object.keys(this.#schemes)) {
      if (Object.hasOwn(document.securitySchemes, name)) {
        const carrier = usable(() => carrierOf(document, name));
        if (carrier.kind === "made" && typeof carrier.value !== "string") continue;
        const why = carrier.kind === "made" ? String(carrier.value) : carrier.why;
        throw invalid(`The security scheme ${printable(name, 100)} cannot be used: ${why}`);
      }
      const known = Object.keys(document.securitySchemes).map((one) => printable(one, 60));
      const has = known.length === 0 ? "has none; send a header of your own with --header" : `has ${known.join(", ")}`;
      throw invalid(`The document has no security scheme ${JSON.stringify(printable(name, 100))}: it ${has}`);
    }
  }

  /**
   * Which schemes an operation's requests carry: the first of its alternatives that there are secrets for.
   *
   * @returns why it cannot be called, where there is none.
   */
  schemesFor(
    document: OpenApiDocument,
    operation: Operation,
  ):
    | { readonly kind: "schemes"; readonly schemes: readonly string[] }
    | { readonly kind: "unusable"; readonly why: string } {
    const alternatives = alternativesOf(operation.object.security ?? document.root.security);
    if (alternatives.length === 0) return { kind: "schemes", schemes: [] };
    const possible = alternatives.find((schemes) => schemes.every((scheme) => Object.hasOwn(this.#schemes, scheme)));
    // Headers for all requests may be what the operation asks for under another name: the operator knows.
    if (possible !== undefined) return { kind: "schemes", schemes: possible };
    if (Object.keys(this.#headers).length > 0) return { kind: "schemes", schemes: [] };
    const [first = []] = alternatives;
    const options = first.map((scheme) => `--auth ${printable(scheme, 60)}=env:NAME`).join(" ");
    return { kind: "unusable", why: `it needs a credential: ${options}` };
  }

  /** Whether a parameter is one that a request carries for these schemes, so that no argument sets it. */
  carries(document: OpenApiDocument, schemes: readonly string[], place: ParameterPlace, name: string): boolean {
    const same = (other: string): boolean =>
      place === "header" ? other.toLowerCase() === name.toLowerCase() : other === name;
    if (place === "header" && Object.keys(this.#headers).some(same)) return true;
    return schemes.some((scheme) => {
      const carrier = carrierOf(document, scheme);
      return typeof carrier !== "string" && carrier.in === place && same(carrier.name);
    });
  }

  /**
   * What requests carry for these schemes.
   *
   * @throws ToolFailure HTTP_NO_CREDENTIAL when a secret cannot be had any more
   */
  partsFor(document: OpenApiDocument, schemes: readonly string[]): CredentialParts {
    const headers: Record<string, string> = {};
    const query: string[] = [];
    const cookies: string[] = [];
    for (const [name, reference] of Object.entries(this.#headers)) headers[name] = this.#use(name, reference);
    for (const scheme of schemes) {
      const carrier = carrierOf(document, scheme);
      const reference = this.#schemes[scheme];
      if (typeof carrier === "string" || reference === undefined) continue; // it was chosen because it has both
      const value = carrier.write(this.#use(scheme, reference));
      if (carrier.in === "header") headers[carrier.name] = value;
      else if (carrier.in === "query") query.push(`${encodePart(carrier.name)}=${encodePart(value)}`);
      else cookies.push(`${carrier.name}=${encodePart(value)}`);
    }
    return { headers, query, cookies };
  }

  /** A text without the secrets that were read, as far as they are long enough to be told from other words. */
  redact(text: string): string {
    let redacted = text;
    for (const { value } of this.#read.values()) {
      for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString("base64")])) {
        if (form.length >= 6 && redacted.includes(form)) redacted = redacted.replaceAll(form, "[hidden]");
      }
    }
    return redacted;
  }

  #use(name: string, reference: string): string {
    const secret = this.#secret(reference);
    if ("value" in secret) return secret.value;
    throw new ToolFailure(
      HTTP_NO_CREDENTIAL,
      `The secret of ${printable(name, 100)} ${secret.fault}; nothing was sent.`,
    );
  }

  #secret(reference: string): { readonly value: string } | { readonly fault: string } {
    const known = this.#read.get(reference);
    if (known !== undefined && this.#now() - known.atMs < REREAD_MS) return known;
    const secret = readSecret(reference, this.#env);
    if ("fault" in secret) return secret;
    if (!isFieldValue(secret.value)) return { fault: "has characters that no header has" };
    this.#read.set(reference, { value: secret.value, atMs: this.#now() });
    return secret;
  }
}

/** How a scheme's secret is sent, or why it is not. @throws Unusable */
function carrierOf(document: OpenApiDocument, scheme: string): Carrier | string {
  const at = placeIn(placeIn(placeIn(undefined, "components"), "securitySchemes"), scheme);
  const { value } = document.object(document.securitySchemes[scheme], at);
  const { type, in: place, name } = value;
  switch (type) {
    case "apiKey":
      if (typeof name !== "string" || (place !== "query" && !isFieldName(name)))
        return "it has no name that one can be sent by";
      if (place !== "header" && place !== "query" && place !== "cookie")
        return "it is neither in header, query nor cookie";
      return { in: place, name, write: (secret) => secret };
    case "http": {
      const kind = typeof value.scheme === "string" ? value.scheme.toLowerCase() : "";
      if (kind === "bearer") return bearer;
      if (kind === "basic") return basic;
      return `http authentication of the scheme ${JSON.stringify(printable(kind, 40))} is not spoken; bearer and basic are`;
    }
    case "oauth2":
    case "openIdConnect":
      return bearer; // RFC 6750: an access token
    default:
      return `schemes of the type ${JSON.stringify(printable(String(type), 40))} are not spoken`;
  }
}

const bearer: Carrier = { in: "header", name: "authorization", write: (secret) => `Bearer ${secret}` };
/** `user:password`: RFC 7617. */
const basic: Carrier = {
  in: "header",
  name: "authorization",
  write: (secret) => `Basic ${Buffer.from(secret).toString("base64")}`,
};

/** The alternatives of a list of requirements, each of them the schemes that go together. */
function alternativesOf(security: Json | undefined): string[][] {
  if (!Array.isArray(security)) return [];
  return security.flatMap((one: Json) => (isObject(one) ? [Object.keys(one)] : []));
}

function invalid(message: string): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", `${message}.`);
}
