import { isObject, type JsonObject, type OpenApiDocument } from "./openapi-document.js";
import { type Place, placeIn, usable } from "./unusable.js";

/** Methods of operations that become tools. `trace` is none: it echoes requests, with their credentials. */
export type HttpMethod = "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "POST" | "PATCH";

const METHODS: Readonly<Record<string, HttpMethod>> = {
  get: "GET",
  head: "HEAD",
  options: "OPTIONS",
  put: "PUT",
  delete: "DELETE",
  post: "POST",
  patch: "PATCH",
};

/** An operation as a document has it. */
export interface Operation {
  readonly method: HttpMethod;
  /** The template of its path, as it stands there. */
  readonly path: string;
  readonly object: JsonObject;
  readonly place: Place;
  /** What holds for all operations of the path. */
  readonly shared: { readonly object: JsonObject; readonly place: Place };
}

/** An operation that cannot become a tool, and why. */
export interface UnusableOperation {
  /** Its method and path. */
  readonly request: string;
  readonly why: string;
}

/** The operations of a document, in its order. */
export function operationsOf(document: OpenApiDocument): {
  readonly operations: readonly Operation[];
  readonly unusable: readonly UnusableOperation[];
} {
  const operations: Operation[] = [];
  const unusable: UnusableOperation[] = [];
  const paths = isObject(document.root.paths) ? document.root.paths : {};
  for (const [path, item] of Object.entries(paths)) {
    if (path.startsWith("x-")) continue;
    const found = usable(() => document.object(item, placeIn(placeIn(undefined, "paths"), path)));
    if (found.kind === "unusable") {
      unusable.push({ request: path, why: found.why });
      continue;
    }
    const { value: shared, place } = found.value;
    for (const [member, method] of Object.entries(METHODS)) {
      const object = shared[member];
      if (object === undefined || object === null) continue;
      if (isObject(object)) {
        operations.push({ method, path, object, place: placeIn(place, member), shared: { object: shared, place } });
      } else unusable.push({ request: `${method} ${path}`, why: "it is not an object" });
    }
  }
  return { operations, unusable };
}

/** Methods that change nothing: RFC 9110, section 9.2.1. */
export function isSafe(method: HttpMethod): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** Methods that may be sent again: RFC 9110, section 9.2.2. */
export function isIdempotent(method: HttpMethod): boolean {
  return isSafe(method) || method === "PUT" || method === "DELETE";
}
