import type { Format } from "ajv";
import { fullFormats } from "ajv-formats/dist/formats.js";
import type { Json } from "../json/json.js";
import type { CostRates } from "./estimate-cost.js";
import { isEmail, isIdnEmail } from "./formats/email.js";
import { isHostname, isIdnHostname } from "./formats/hostname.js";
import { isIpv4, isIpv6 } from "./formats/ip.js";
import { isJsonPointer, isJsonPointerFragment, isRelativeJsonPointer } from "./formats/json-pointer.js";
import { isDate, isDateTime, isDuration, isTime } from "./formats/time.js";
import { isIri, isIriReference, isUri, isUriReference } from "./formats/uri.js";
import { isUriTemplate } from "./formats/uri-template.js";
import { isUrl } from "./formats/url.js";

/**
 * The formats that are asserted where a contract says so. They run on the event loop over texts that strangers send, of any length.
 * So each takes time linear in the text, whatever its shape: what has a longest form is refused by its length before it is looked
 * at, and the others are searched for what must not be in them, which is one pass without a step back.
 */

type Check = (text: string) => boolean;

/** A check of ajv-formats, for texts that are short enough for any expression. @param most its longest text, in UTF-16 code units. */
function upTo(most: number, format: Format | undefined): Check {
  const check = checkOf(format);
  return (text) => text.length <= most && check(text);
}

function checkOf(format: Format | undefined): Check {
  if (typeof format === "function") return format as Check; // formats of texts
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === "object" && "validate" in format) return checkOf(format.validate as Format);
  return () => true;
}

/** ISO 8601 times, of which ajv-formats takes those without an offset. */
const MAX_ISO_TIME = 256;
/** A regular expression is parsed by the engine, whose work is not linear in all that it may hold. */
const MAX_REGEX = 4_096;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NOT_IN_BASE64 = /[^A-Za-z0-9+/]/;

/** RFC 9562 section 4. */
function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

/** An escape of a regular expression; of a Unicode property, with its name. */
const ESCAPE = /\\(?:[pP]\{([^{}]*)\}|.)/gsu;

/**
 * A regular expression of ECMA-262 with Unicode semantics. The engine writes out the characters of each Unicode property, and joins
 * those of a class in quadratic time: 4,000 characters took it half a second. So each property is looked at alone, and another class
 * of characters, which may stand wherever a property may, takes its place in the whole.
 */
function isRegex(text: string): boolean {
  if (text.length > MAX_REGEX) return false;
  try {
    const plain = text.replace(ESCAPE, (written: string, property: string | undefined) => {
      if (property === undefined) return written;
      new RegExp(`\\p{${property}}`, "u");
      return "\\d";
    });
    new RegExp(plain, "u");
    return true;
  } catch {
    return false;
  }
}

/** RFC 4648 section 4. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return !NOT_IN_BASE64.test(text.slice(0, text.length - padding));
}

/** Every format that is asserted, by its name. */
export const FORMATS: Readonly<Record<string, Format>> = {
  date: isDate,
  time: isTime,
  "date-time": isDateTime,
  "iso-time": upTo(MAX_ISO_TIME, fullFormats["iso-time"]),
  "iso-date-time": upTo(MAX_ISO_TIME, fullFormats["iso-date-time"]),
  duration: isDuration,
  uri: isUri,
  "uri-reference": isUriReference,
  iri: isIri,
  "iri-reference": isIriReference,
  "uri-template": isUriTemplate,
  url: isUrl,
  email: isEmail,
  "idn-email": isIdnEmail,
  hostname: isHostname,
  "idn-hostname": isIdnHostname,
  ipv4: isIpv4,
  ipv6: isIpv6,
  regex: isRegex,
  uuid: isUuid,
  "json-pointer": isJsonPointer,
  "json-pointer-uri-fragment": isJsonPointerFragment,
  "relative-json-pointer": isRelativeJsonPointer,
  byte: isBase64,
  // Of numbers, and of texts without a rule.
  int32: fullFormats.int32 ?? true,
  int64: fullFormats.int64 ?? true,
  float: fullFormats.float ?? true,
  double: fullFormats.double ?? true,
  password: true,
  binary: true,
};

/** What a name with labels of Unicode costs: Node's own functions read it three times. */
const NAME_COST: CostRates = { perValue: 2_000, perChar: 20 };
const WITH_NAMES: ReadonlySet<Json> = new Set(["hostname", "idn-hostname", "email", "idn-email"]);
/** What a regular expression of Unicode properties costs: 40 µs for each, which has five characters at least. */
const REGEX_COST: CostRates = { perValue: 100, perChar: 800 };

/** What asserting a format costs at most, in units of roughly 10 ns. */
export function formatCost(name: Json): CostRates {
  if (name === "regex") return REGEX_COST;
  return WITH_NAMES.has(name) ? NAME_COST : { perValue: 0, perChar: 1 };
}
