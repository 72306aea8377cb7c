import { isUtf8 } from "node:buffer";

/** Whether bytes are exactly one JSON value in UTF-8. The engine's parser is the fastest judge of that, and its own. */
export function isJson(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    JSON.parse(bytes.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
