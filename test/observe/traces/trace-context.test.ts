import { describe, expect, test } from "vitest";
import {
  isSampled,
  isTraceparent,
  sampledPlaceIn,
  traceFields,
  traceparentAt,
  withTraceparent,
} from "../../../src/observe/traces/trace-context.js";

const IDS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const SAMPLED = `00-${IDS}-01`;

test.each([
  [SAMPLED, true],
  [`00-${IDS}-00`, true],
  [`cc-${IDS}-01-what.comes.later`, true],
  [`ff-${IDS}-01`, false],
  [`00-${"0".repeat(32)}-b7ad6b7169203331-01`, false],
  [`00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`, false],
  [SAMPLED.toUpperCase(), false],
  [`${SAMPLED}\n`, false],
  [`${SAMPLED}-${"x".repeat(201)}`, false],
  ["", false],
])("%j is a traceparent: %s", (text, is) => {
  expect(isTraceparent(text)).toBe(is);
});

test("the last bit of the flags says whether a trace is recorded, whatever the others are", () => {
  for (let flags = 0; flags < 256; flags++) {
    const traceparent = `00-${IDS}-${flags.toString(16).padStart(2, "0")}`;
    expect(isSampled(traceparent)).toBe(flags % 2 === 1);
    expect(sampledPlaceIn(JSON.stringify({ runId: "r", traceparent })) >= 0).toBe(flags % 2 === 1);
  }
  expect(isSampled(undefined)).toBe(false);
});

describe("the meta of a record", () => {
  const meta = { runId: "r", traceparent: SAMPLED, tracestate: "a=1" };

  test("has its traceparent replaced, and nothing else", () => {
    const text = JSON.stringify(meta);
    const place = sampledPlaceIn(text);
    expect(traceparentAt(text, place)).toBe(SAMPLED);
    const other = SAMPLED.replace("b7", "c8");
    expect(JSON.parse(withTraceparent(text, place, other))).toEqual({ ...meta, traceparent: other });
  });

  test("of a later version too, whose traceparent is longer", () => {
    const text = JSON.stringify({ ...meta, traceparent: `cc-${IDS}-01-later` });
    expect(JSON.parse(withTraceparent(text, sampledPlaceIn(text), SAMPLED))).toEqual(meta);
  });

  test.each(["", "{}", JSON.stringify({ runId: `"traceparent":"${SAMPLED}"` }), '{"traceparent":"'])(
    "%j has none",
    (text) => {
      expect(sampledPlaceIn(text)).toBe(-1);
    },
  );

  test("gives log lines the trace id, sampled or not", () => {
    const trace_id = "0af7651916cd43dd8448eb211c80319c";
    expect(traceFields(JSON.stringify(meta))).toEqual({ trace_id });
    expect(traceFields(JSON.stringify({ traceparent: `00-${IDS}-00` }))).toEqual({ trace_id });
    expect(traceFields(JSON.stringify({ runId: "r" }))).toEqual({});
    expect(traceFields("")).toEqual({});
  });
});
