import { ToolFailure } from "../../index.js";
import { slicesOf } from "../../json/json-slices.js";
import { isFieldValue } from "./header-fields.js";
import { INVALID_ARGUMENT } from "./http-failure.js";
import type { HttpMethod } from "./operations.js";
import { encodePart, writeHeaderValue, writePairs, writePathValue } from "./parameter-style.js";
import type { HttpParameter } from "./parameters.js";
import { plainValue } from "./plain-value.js";
import { type BodyPlan, makeBody } from "./request-body.js";

/** How the arguments of a call become a request. */
export interface RequestPlan {
  readonly method: HttpMethod;
  /** The template of the path. */
  readonly path: string;
  readonly parameters: readonly HttpParameter[];
  readonly body: BodyPlan | undefined;
  readonly accept: string;
}

/** A request, but for its server and its credentials. */
export interface BuiltRequest {
  readonly method: HttpMethod;
  /** Encoded. */
  readonly path: string;
  /** `name=value`, encoded. */
  readonly query: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** `name=value`, encoded. */
  readonly cookies: readonly string[];
  readonly body: Buffer | undefined;
}

/**
 * Makes the request of a call. Whatever an argument holds is data: in the path and in queries all but unreserved characters are
 * encoded, what would make a path lead elsewhere is refused, and so are line breaks in headers.
 *
 * @param payload an object that the payload's schema was checked for.
 * @throws ToolFailure HTTP_INVALID_ARGUMENT
 */
export function buildRequest(plan: RequestPlan, payload: Buffer): BuiltRequest {
  const values = new Map<string, Buffer>();
  for (const { key = "", start, end } of slicesOf(payload)) values.set(key, payload.subarray(start, end));
  const query: string[] = [];
  const cookies: string[] = [];
  const headers: Record<string, string> = { accept: plan.accept };
  for (const parameter of plan.parameters) {
    const json = parameter.in === "path" ? undefined : values.get(parameter.property);
    if (json === undefined) continue;
    const value = plainValue(json);
    if (value.kind === "null" && parameter.style !== "json") continue;
    switch (parameter.in) {
      case "query":
        query.push(...writePairs(parameter, value));
        break;
      case "cookie":
        cookies.push(...writePairs(parameter, value));
        break;
      case "header": {
        const text = writeHeaderValue(parameter, value);
        if (!isFieldValue(text)) {
          throw invalid(
            parameter.property,
            "must have no control characters, and none beyond ISO-8859-1, since it is sent as a header",
          );
        }
        headers[parameter.name] = text;
        break;
      }
      default:
        break; // those of the path have been left out above
    }
  }
  const argument = plan.body === undefined ? undefined : values.get("body");
  const sent = plan.body === undefined || argument === undefined ? undefined : makeBody(plan.body, argument);
  if (sent !== undefined) headers["content-type"] = sent.contentType;
  return { method: plan.method, path: buildPath(plan, values), query, headers, cookies, body: sent?.bytes };
}

function buildPath({ path, parameters }: RequestPlan, values: ReadonlyMap<string, Buffer>): string {
  let built = "";
  let at = 0;
  for (const match of path.matchAll(/\{([^{}]+)\}/g)) {
    const [whole, name = ""] = match;
    const parameter = parameters.find((one) => one.in === "path" && one.name === name);
    built += literal(path.slice(at, match.index));
    at = match.index + whole.length;
    if (parameter === undefined) continue; // every name of the template has one
    const json = values.get(parameter.property);
    const value = json === undefined ? undefined : plainValue(json);
    const written = value === undefined || value.kind === "null" ? "" : writePathValue(parameter, value);
    // Without it the path would be another operation's.
    if (written === "") throw invalid(parameter.property, "must not be empty, since it is a part of the path");
    built += written;
  }
  built += literal(path.slice(at));
  // Servers and proxies take these away, with the segment before.
  if (built.split("/").some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new ToolFailure(INVALID_ARGUMENT, 'A part of the path would be "." or "..", which leads to another path.');
  }
  return built;
}

/** The template's own characters, as they may stand in a path. */
function literal(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/g, encodePart).replace(/%(?![0-9A-Fa-f]{2})/g, "%25");
}

function invalid(property: string, rule: string): ToolFailure {
  return new ToolFailure(INVALID_ARGUMENT, `/${property.slice(0, 64)} ${rule}.`);
}
