import { slicesOf } from "../../json/json-slices.js";

/** A JSON value as texts: numbers stay as they were written. */
export type PlainValue =
  | { readonly kind: "null" }
  | { readonly kind: "scalar"; readonly text: string; readonly json: Buffer }
  | { readonly kind: "array"; readonly items: readonly PlainValue[]; readonly json: Buffer }
  | { readonly kind: "object"; readonly members: readonly (readonly [string, PlainValue])[]; readonly json: Buffer };

/** Reads a value that is known to be JSON, and not deep. */
export function plainValue(json: Buffer): PlainValue {
  switch (json[0]) {
    case 0x22: // "
      return { kind: "scalar", text: String(JSON.parse(json.toString("utf8"))), json };
    case 0x5b: // [
      return {
        kind: "array",
        items: [...slicesOf(json)].map(({ start, end }) => plainValue(json.subarray(start, end))),
        json,
      };
    case 0x7b: // {
      return {
        kind: "object",
        members: [...slicesOf(json)].map(
          ({ key = "", start, end }) => [key, plainValue(json.subarray(start, end))] as const,
        ),
        json,
      };
    default: {
      const text = json.toString("latin1");
      return text === "null" ? { kind: "null" } : { kind: "scalar", text, json };
    }
  }
}

/** A value as one text: what nests is written as JSON. */
export function textOfValue(value: PlainValue): string {
  switch (value.kind) {
    case "null":
      return "";
    case "scalar":
      return value.text;
    default:
      return value.json.toString("utf8");
  }
}
