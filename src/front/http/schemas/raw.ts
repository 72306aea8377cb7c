import { RawJson } from "../../../json/raw-json.js";

/** JSON of a message as it came, to be answered as it is; undefined where there is none. */
export function rawOf(bytes: Uint8Array | string | undefined): RawJson | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  return new RawJson(
    typeof bytes === "string"
      ? Buffer.from(bytes, "base64")
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  ); // a text is Base64: see Encoders
}
