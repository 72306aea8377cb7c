import { FORMATS } from "../../../src/schemas/formats.js";
import { call, type HostileInput, list, schemaInput } from "./input.js";

/** Pieces of which long texts are hard for some checker of some format. */
const UNITS = [
  "http://a",
  "a@a.",
  "1",
  "{a",
  "a.",
  "((",
  "[a",
  "xn--a.",
  "::",
  "1:",
  "%",
  "/~",
  '"',
  "\u0430.",
  "\\p{L}",
];
/** As in the attack that once held a node up for more than a minute. */
const LONG = 240_000;

/** Each format that is asserted, on texts that are long and hard. */
export const FORMAT_INPUTS: readonly HostileInput[] = Object.keys(FORMATS).map((format) =>
  schemaInput(
    `format ${format}`,
    "yes",
    {
      anyOf: [
        { items: { format }, type: "array" },
        { format, type: "string" },
      ],
    },
    [
      call("either", () => UNITS.map((unit) => unit.repeat(LONG / UNITS.length / unit.length))),
      ...["http://a", "1", "a.", "[a"].map((unit) => call("either", () => `http://${unit.repeat(LONG / unit.length)}`)),
      call("either", () => list(2_000, "a.a.a.a.a@a.a.a:1:::/%41{a}")),
    ],
    { assertFormats: true },
  ),
);
