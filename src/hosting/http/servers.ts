import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Json } from "../../json/json.js";
import { printable } from "../server-log.js";
import { isObject, type OpenApiDocument } from "./openapi-document.js";
import type { Operation } from "./operations.js";

/** Where requests go. */
export interface HttpTarget {
  /** `https://api.example.com`, with its port where it is not the usual one. */
  readonly origin: string;
  /** What comes before every path; empty, or with a slash at its beginning and none at its end. */
  readonly basePath: string;
}

/** A target as a URL, for people. */
export const urlOf = ({ origin, basePath }: HttpTarget): string => origin + basePath;

/**
 * Where a document's requests go.
 *
 * @param override the URL that counts instead of the document's.
 * @param documentUrl where the document itself was fetched; its servers' URLs may be relative to that.
 * @throws ToolgateError INVALID_CONFIG when there is none, or one that cannot be a server's
 */
export function documentTarget(
  document: OpenApiDocument,
  override: string | undefined,
  documentUrl: string | undefined,
): HttpTarget {
  if (override !== undefined) return target(override, undefined);
  const [first] = serverUrls(document.root.servers);
  // Without any, it is "/" (OpenAPI 3.1, 4.8.1): the server that the document is at.
  if (first === undefined && documentUrl === undefined) {
    throw new ToolgateError("INVALID_CONFIG", "The document names no server. Name it with --server.");
  }
  return target(first ?? "/", documentUrl);
}

/**
 * Where an operation's requests go: where all do, or to a server of its own within the same origin, so that credentials never go to
 * another one.
 *
 * @param override as above; an operation's own servers do not count then.
 */
export function operationTarget(
  operation: Operation,
  common: HttpTarget,
  override: string | undefined,
  documentUrl: string | undefined,
): { readonly kind: "target"; readonly target: HttpTarget } | { readonly kind: "unusable"; readonly why: string } {
  const [own] = [...serverUrls(operation.object.servers), ...serverUrls(operation.shared.object.servers)];
  if (own === undefined || override !== undefined) return { kind: "target", target: common };
  try {
    const found = target(own, documentUrl ?? `${urlOf(common)}/`);
    if (found.origin === common.origin) return { kind: "target", target: found };
    return {
      kind: "unusable",
      why: `it is at another server, ${printable(found.origin, 200)}; mount that one by itself, with --server`,
    };
  } catch (error) {
    if (!(error instanceof ToolgateError)) throw error;
    return { kind: "unusable", why: `its own server cannot be used: ${error.message}` };
  }
}

/** The URLs of a list of servers, their variables replaced by their defaults. */
function serverUrls(servers: Json | undefined): string[] {
  if (!Array.isArray(servers)) return [];
  return servers.flatMap((server: Json) => {
    if (!isObject(server) || typeof server.url !== "string") return [];
    const variables = isObject(server.variables) ? server.variables : {};
    const url = server.url.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
      const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
      return isObject(variable) && typeof variable.default === "string" ? variable.default : whole;
    });
    return [url];
  });
}

function target(text: string, base: string | undefined): HttpTarget {
  const fault = (why: string): ToolgateError =>
    new ToolgateError("INVALID_CONFIG", `The server ${JSON.stringify(printable(text, 300))} ${why}.`);
  if (!URL.canParse(text, base)) {
    throw fault(
      base === undefined ? "is no whole URL, such as https://api.example.com/v1; name one with --server" : "is no URL",
    );
  }
  const url = new URL(text, base);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw fault("is none of HTTP");
  if (url.username !== "" || url.password !== "") throw fault("must have no user or password; name them with --auth");
  if (/[{}]|%7B|%7D/i.test(url.href)) throw fault("has a variable without a default; name the whole URL with --server");
  if (/[?#]/.test(text)) throw fault("must have no query and no fragment");
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, "") };
}
