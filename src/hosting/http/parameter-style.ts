import { ToolFailure } from "../../index.js";
import { INVALID_ARGUMENT } from "./http-failure.js";
import { type PlainValue, textOfValue } from "./plain-value.js";

/** How a value is written: https://spec.openapis.org/oas/v3.1.1.html#style-values, or as JSON. */
export type Style = "simple" | "label" | "matrix" | "form" | "spaceDelimited" | "pipeDelimited" | "deepObject" | "json";

/** How a parameter, or a member of a form, is written. */
export interface StyledName {
  /** Its name for the server. */
  readonly name: string;
  readonly style: Style;
  /** Whether the items of an array, or the members of an object, are written one by one. */
  readonly explode: boolean;
}

const DELIMITERS = { spaceDelimited: "%20", pipeDelimited: "%7C" } as const;

/**
 * Percent-encodes all but what RFC 3986, section 2.3, calls unreserved, so that a value is data wherever it stands.
 *
 * @throws ToolFailure HTTP_INVALID_ARGUMENT for a text with half of a character, which has no UTF-8
 */
export function encodePart(text: string): string {
  try {
    return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch {
    throw new ToolFailure(INVALID_ARGUMENT, "A text has half of a character (a lone surrogate), which cannot be sent.");
  }
}

/** A value within a path, encoded. */
export function writePathValue({ name, style, explode }: StyledName, value: PlainValue): string {
  if (style === "json") return encodePart(jsonText(value));
  const encodedName = encodePart(name);
  switch (style) {
    case "label":
      return `.${joined(value, explode, explode ? "." : ",")}`;
    case "matrix":
      if (value.kind === "array" && explode) {
        return value.items.map((item) => `;${encodedName}=${encodePart(textOfValue(item))}`).join("");
      }
      if (value.kind === "object" && explode) return `;${joined(value, true, ";")}`;
      return `;${encodedName}=${joined(value, false, ",")}`;
    default:
      return joined(value, explode, ",");
  }
}

/** A value as `name=value` pairs of a query or of a form, encoded; none where there is nothing to say. */
export function writePairs({ name, style, explode }: StyledName, value: PlainValue): string[] {
  const encodedName = encodePart(name);
  if (style === "json") return [`${encodedName}=${encodePart(jsonText(value))}`];
  switch (value.kind) {
    case "null":
      return [];
    case "scalar":
      return [`${encodedName}=${encodePart(value.text)}`];
    case "array": {
      if (style === "deepObject") return deepPairs(encodedName, value);
      if (explode) return value.items.map((item) => `${encodedName}=${encodePart(textOfValue(item))}`);
      const delimiter = style === "spaceDelimited" || style === "pipeDelimited" ? DELIMITERS[style] : ",";
      return value.items.length === 0 ? [] : [`${encodedName}=${joined(value, false, delimiter)}`];
    }
    case "object": {
      if (style === "deepObject") return deepPairs(encodedName, value);
      if (explode && style === "form") {
        return value.members.map(([key, inner]) => `${encodePart(key)}=${encodePart(textOfValue(inner))}`);
      }
      const delimiter = style === "spaceDelimited" || style === "pipeDelimited" ? DELIMITERS[style] : ",";
      return value.members.length === 0 ? [] : [`${encodedName}=${joined(value, false, delimiter)}`];
    }
    default:
      return value satisfies never;
  }
}

/** A value of a header: as it is, since headers know no encoding. */
export function writeHeaderValue({ style, explode }: StyledName, value: PlainValue): string {
  if (style === "json") return jsonText(value);
  switch (value.kind) {
    case "array":
      return value.items.map(textOfValue).join(",");
    case "object":
      return value.members.map(([key, inner]) => `${key}${explode ? "=" : ","}${textOfValue(inner)}`).join(",");
    default:
      return textOfValue(value);
  }
}

/**
 * `a[b][c]=1`, as many servers read it. The specification says nothing of arrays within: `a[b][]=1` for what does not nest, and
 * numbers for what does.
 */
function deepPairs(path: string, value: PlainValue): string[] {
  switch (value.kind) {
    case "null":
      return [];
    case "scalar":
      return [`${path}=${encodePart(value.text)}`];
    case "array": {
      const nests = value.items.some(({ kind }) => kind === "array" || kind === "object");
      return value.items.flatMap((item, index) => deepPairs(`${path}%5B${nests ? index : ""}%5D`, item));
    }
    case "object":
      return value.members.flatMap(([key, inner]) => deepPairs(`${path}%5B${encodePart(key)}%5D`, inner));
    default:
      return value satisfies never;
  }
}

function joined(value: PlainValue, explode: boolean, delimiter: string): string {
  const encoded = (inner: PlainValue): string => encodePart(textOfValue(inner));
  switch (value.kind) {
    case "array":
      return value.items.map(encoded).join(delimiter);
    case "object":
      return value.members
        .map(([key, inner]) => `${encodePart(key)}${explode ? "=" : delimiter}${encoded(inner)}`)
        .join(delimiter);
    default:
      return encoded(value);
  }
}

function jsonText(value: PlainValue): string {
  return value.kind === "null" ? "null" : value.json.toString("utf8");
}
