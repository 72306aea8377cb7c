import validSemver from "semver/functions/valid.js";
import { runSync, type Steps } from "../async/steps.js";
import { MAX_VIOLATIONS, ToolgateError, type Violation } from "../errors/toolgate-error.js";
import { isPlainToolsetName, isToolName } from "../identity/names.js";
import { compareDecimals } from "../json/decimal.js";
import { firstInexact, type InexactNumber } from "../json/exact-numbers.js";
import { loneSurrogate } from "../json/lone-surrogates.js";
import type { Step } from "../json/pointer.js";
import { readJsonSteps } from "../json/read-json.js";
import type { Contract__Output } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Tool__Output } from "../protocol/generated/toolgate/v1/Tool.js";
import type { ToolAnnotations__Output } from "../protocol/generated/toolgate/v1/ToolAnnotations.js";
import type { Contract, Delivery, JsonSchema, ToolAnnotations, ToolContract, ToolMeta } from "./contract.js";
import { type SkippedPart, skippedPart } from "./skipped-part.js";

/** Limits on contracts, in bytes. */
export interface ContractLimits {
  /** All schemas, descriptions and further facts of one contract together. */
  readonly maxContractBytes: number;
  /** One schema. */
  readonly maxSchemaBytes: number;
}

const MAX_TOOLS = 1_024;
const MAX_TITLE_CHARACTERS = 256;
const MAX_DESCRIPTION_BYTES = 16 * 1_024;
const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 64;
const MAX_SCHEMA_DEPTH = 64;
const MAX_META_BYTES = 64 * 1_024;
const MAX_TOOL_TIMEOUT_MS = 24 * 3_600_000;
/** No control characters: these texts end up on terminals and in logs. Line breaks and tabs are allowed in descriptions. */
const CONTROL = /\p{Cc}/u;
const HALF_CHARACTER = "has half of a character (a lone surrogate)";
const CONTROL_BUT_LINES = /[^\P{Cc}\t\n\r]/u;

/**
 * Reads a contract from the wire and collects every fault, so that a provider can mend all of them at once.
 *
 * @throws ToolgateError INVALID_CONTRACT, or INVALID_SCHEMA when only schemas are at fault; names fields, never values.
 */
export function parseContract(wire: Contract__Output | null, limits: ContractLimits): Contract {
  return runSync(parseContractSteps(wire, limits));
}

/** The same in steps: a contract of 4 MB takes an event loop a fifth of a second. */
export function* parseContractSteps(wire: Contract__Output | null, limits: ContractLimits): Steps<Contract> {
  const { head, readings, faults } = yield* readContract(wire, limits);
  if (contractBytes(head) > limits.maxContractBytes) faults.add("tools", tooLarge(limits));
  faults.throwIfAny("INVALID_CONTRACT", head.name);
  return wholeContract(head, readings, faults);
}

/**
 * Reads a contract and leaves out what is at fault in its tools: a result schema, or else the whole tool. The same bytes give the
 * same parts everywhere, so that all nodes give what is left the same digest.
 *
 * @throws ToolgateError as `parseContract`, when the fault is the toolset's own or no tool is left.
 */
export function parseUsableContract(wire: Contract__Output | null, limits: ContractLimits): UsableParts {
  return runSync(parseUsableContractSteps(wire, limits));
}

/** What of a contract can be read, and what was left out. */
export interface UsableParts {
  readonly contract: Contract;
  readonly skipped: readonly SkippedPart[];
}

/** The same in steps. */
export function* parseUsableContractSteps(wire: Contract__Output | null, limits: ContractLimits): Steps<UsableParts> {
  const { head, readings, faults } = yield* readContract(wire, limits);
  faults.throwIfAny("INVALID_CONTRACT", head.name);
  const kept: ToolReading[] = [];
  const skipped: SkippedPart[] = [];
  for (const reading of readings) {
    const { wire: tool, own, payload, result } = reading;
    const isKept = own.length === 0 && payload.length === 0;
    if (isKept) kept.push(result.length === 0 ? reading : withoutResult(reading));
    if (!isKept || result.length > 0)
      skipped.push(skippedPart(tool.name, isKept, isKept ? result : [...own, ...payload, ...result]));
  }
  if (kept.length === 0) return { contract: wholeContract(head, readings, faults), skipped };
  if (contractBytes({ ...head, tools: kept.map(({ wire }) => wire) }) > limits.maxContractBytes) {
    faults.add("tools", tooLarge(limits));
    faults.throwIfAny("INVALID_CONTRACT", head.name);
  }
  return { contract: wholeContract(head, kept, faults), skipped };
}

/** A tool as it was read, with what is wrong with it: with itself, its payload schema, its result schema. */
interface ToolReading {
  readonly wire: Tool__Output;
  readonly tool: ToolContract;
  readonly own: readonly Violation[];
  readonly payload: readonly Violation[];
  readonly result: readonly Violation[];
}

/** A contract as it was read; the faults are those of the toolset itself. */
interface ContractReading {
  readonly head: Contract__Output;
  readonly readings: readonly ToolReading[];
  readonly faults: FaultList;
}

function withoutResult(reading: ToolReading): ToolReading {
  const { result: _faulty, ...tool } = reading.tool;
  return { ...reading, wire: { ...reading.wire, resultSchemaJson: Buffer.alloc(0) }, tool, result: [] };
}

/** Reads everything; a step takes no more than one of a tool's schemas. */
function* readContract(wire: Contract__Output | null, limits: ContractLimits): Steps<ContractReading> {
  if (wire === null) throw new ToolgateError("INVALID_CONTRACT", "contract is missing");
  const faults = new FaultList();
  if (!isPlainToolsetName(wire.name)) faults.add("name", "must match [a-z0-9][a-z0-9._-]{0,127}");
  if (validSemver(wire.version) !== wire.version) faults.add("version", "must be a semantic version, such as 1.4.0");
  checkTexts(wire, "", faults);
  if (wire.tools.length === 0) faults.add("tools", "must name at least one tool");
  // A contract that is far too large is not worth reading on.
  if (wire.tools.length > MAX_TOOLS) {
    faults.add("tools", `must name at most ${MAX_TOOLS} tools`);
    return { head: wire, readings: [], faults };
  }
  const seen = new Set<string>();
  const readings: ToolReading[] = [];
  for (const [index, tool] of wire.tools.entries()) {
    readings.push(yield* readTool(tool, index, seen, limits));
    yield;
  }
  return { head: wire, readings, faults };
}

/** The contract of tools that are all usable. @throws ToolgateError what is wrong with them. */
function wholeContract(head: Contract__Output, readings: readonly ToolReading[], faults: FaultList): Contract {
  for (const { own } of readings) faults.addAll(own);
  faults.throwIfAny("INVALID_CONTRACT", head.name);
  for (const { payload, result } of readings) faults.addAll([...payload, ...result]);
  faults.throwIfAny("INVALID_SCHEMA", head.name);
  return {
    name: head.name as Contract["name"], // isPlainToolsetName said yes before
    version: head.version,
    ...(head.title === "" ? {} : { title: head.title }),
    description: head.description,
    tags: sortedUnique(head.tags),
    tools: readings.map(({ tool }) => tool).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(head.assertFormats ? { assertFormats: true } : {}),
  };
}

/** @param seen the names of the tools before it; its own is added. */
function* readTool(wire: Tool__Output, index: number, seen: Set<string>, limits: ContractLimits): Steps<ToolReading> {
  const own = new FaultList();
  if (!isToolName(wire.name)) own.add(`tools[${index}].name`, "must match [A-Za-z0-9_][A-Za-z0-9_./-]{0,127}");
  else if (seen.has(wire.name))
    own.add(`tools[${index}].name`, `repeats the tool "${wire.name}"; names must be unique`);
  seen.add(wire.name);
  checkTexts(wire, `tools[${index}].`, own);
  if (wire.timeoutMs > MAX_TOOL_TIMEOUT_MS)
    own.add(`tools[${index}].timeout_ms`, `must be at most ${MAX_TOOL_TIMEOUT_MS}`);
  const annotations = parseAnnotations(wire.annotations);
  const meta = yield* parseMeta(wire.metaJson, `tools[${index}].meta_json`, own);
  const path = `/tools/${isToolName(wire.name) ? wire.name : index}`;
  const [payloadFaults, resultFaults] = [new FaultList(), new FaultList()];
  const payload = yield* parseSchema(wire.payloadSchemaJson, `${path}/payload_schema`, limits, payloadFaults);
  const result =
    wire.resultSchemaJson.length === 0
      ? undefined
      : yield* parseSchema(wire.resultSchemaJson, `${path}/result_schema`, limits, resultFaults);
  const tool: ToolContract = {
    name: wire.name as ToolContract["name"], // used only where isToolName said yes
    ...(wire.title === "" ? {} : { title: wire.title }),
    description: wire.description,
    tags: sortedUnique(wire.tags),
    payload,
    ...(result === undefined ? {} : { result }),
    ...(annotations === undefined ? {} : { annotations }),
    delivery: parseDelivery(wire),
    ...(wire.timeoutMs === 0 ? {} : { timeoutMs: wire.timeoutMs }),
    ...(meta === undefined ? {} : { meta }),
  };
  return { wire, tool, own: own.all, payload: payloadFaults.all, result: resultFaults.all };
}

function parseDelivery(wire: Tool__Output): Delivery {
  return wire.delivery === "DELIVERY_MODE_IDEMPOTENT" ? "idempotent" : "once";
}

function parseAnnotations(wire: ToolAnnotations__Output | null): ToolAnnotations | undefined {
  if (wire === null) return undefined;
  const annotations: ToolAnnotations = {
    ...(wire._readOnlyHint === undefined ? {} : { readOnlyHint: wire.readOnlyHint === true }),
    ...(wire._destructiveHint === undefined ? {} : { destructiveHint: wire.destructiveHint === true }),
    ...(wire._idempotentHint === undefined ? {} : { idempotentHint: wire.idempotentHint === true }),
    ...(wire._openWorldHint === undefined ? {} : { openWorldHint: wire.openWorldHint === true }),
  };
  return Object.keys(annotations).length === 0 ? undefined : annotations;
}

/** Absent rather than empty, as all that is optional. */
function* parseMeta(bytes: Buffer, path: string, faults: FaultList): Steps<ToolMeta | undefined> {
  if (bytes.length === 0) return undefined;
  const read = yield* readJsonSteps(bytes, { maxBytes: MAX_META_BYTES, maxDepth: MAX_SCHEMA_DEPTH });
  if (read.kind === "malformed") {
    faults.add(`${path}${read.pointer}`, read.reason);
    return undefined;
  }
  const lone = loneSurrogate(read.value);
  if (lone !== undefined) {
    faults.add(`${path}${lone}`, HALF_CHARACTER);
    return undefined;
  }
  const meta = read.value;
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) {
    faults.add(path, "must be an object");
    return undefined;
  }
  return Object.keys(meta).length === 0 ? undefined : (meta as ToolMeta); // an object, as just seen
}

function* parseSchema(bytes: Buffer, path: string, limits: ContractLimits, faults: FaultList): Steps<JsonSchema> {
  if (bytes.length === 0) {
    faults.add(path, "is missing; {} accepts any JSON");
    return false;
  }
  const read = yield* readJsonSteps(bytes, { maxBytes: limits.maxSchemaBytes, maxDepth: MAX_SCHEMA_DEPTH });
  if (read.kind === "malformed") {
    faults.add(`${path}${read.pointer}`, read.reason);
    return false;
  }
  // A contract is kept, and its digest made, from values: another number than the one that is written would validate.
  const inexact = read.longNumbers ? firstInexact(bytes, affectsValidation) : undefined;
  if (inexact !== undefined) {
    faults.add(`${path}${inexact.pointer}`, `must be a number that a double holds, such as ${inexact.nearest}`);
    return false;
  }
  const lone = loneSurrogate(read.value);
  if (lone !== undefined) {
    faults.add(`${path}${lone}`, HALF_CHARACTER);
    return false;
  }
  const schema = read.value;
  yield;
  if (typeof schema === "boolean") return schema;
  if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) return schema as JsonSchema; // an object, as just seen
  faults.add(path, "must be an object or a boolean");
  return false;
}

/** The keywords whose numbers tell one value from its neighbour. */
const VALUE_KEYWORDS = new Set<Step>(["multipleOf", "const", "enum"]);
/** The keywords whose numbers bound others, and whether a bound that is kept lets in all that the written one does. */
const BOUND_KEYWORDS: ReadonlyMap<Step | undefined, (keptToWritten: number) => boolean> = new Map([
  ["maximum", (order) => order >= 0],
  ["exclusiveMaximum", (order) => order >= 0],
  ["minimum", (order) => order <= 0],
  ["exclusiveMinimum", (order) => order <= 0],
]);

/**
 * Whether a number that a double does not hold would refuse what the schema means. The bounds of 64-bit integers, which
 * generators write into schemas (9223372036854775807), are kept as doubles a little further out, and refuse nothing. Numbers of
 * annotations, such as `default`, are kept as RFC 8785 has them, and validate nothing.
 */
export function affectsValidation({ steps, written, kept }: InexactNumber): boolean {
  if (steps.some((step) => VALUE_KEYWORDS.has(step))) return true;
  const isWider = BOUND_KEYWORDS.get(steps.at(-1));
  return isWider !== undefined && !isWider(compareDecimals(kept, written));
}

interface Texts {
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
}

function checkTexts(texts: Texts, prefix: string, faults: FaultList): void {
  if (texts.title.length > MAX_TITLE_CHARACTERS || CONTROL.test(texts.title)) {
    faults.add(`${prefix}title`, `must be at most ${MAX_TITLE_CHARACTERS} characters without control characters`);
  }
  if (Buffer.byteLength(texts.description) > MAX_DESCRIPTION_BYTES || CONTROL_BUT_LINES.test(texts.description)) {
    faults.add(`${prefix}description`, `must be at most ${MAX_DESCRIPTION_BYTES} bytes without control characters`);
  }
  if (
    texts.tags.length > MAX_TAGS ||
    texts.tags.some((tag) => tag === "" || tag.length > MAX_TAG_CHARACTERS || CONTROL.test(tag))
  ) {
    faults.add(
      `${prefix}tags`,
      `must be at most ${MAX_TAGS} words, each of 1 to ${MAX_TAG_CHARACTERS} characters without control characters`,
    );
  }
}

function tooLarge({ maxContractBytes }: ContractLimits): string {
  return `must take at most ${maxContractBytes} bytes together`;
}

function contractBytes(wire: Contract__Output): number {
  let bytes = wire.description.length;
  for (const tool of wire.tools)
    bytes +=
      tool.description.length + tool.payloadSchemaJson.length + tool.resultSchemaJson.length + tool.metaJson.length;
  return bytes;
}

function sortedUnique(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort();
}

/** Faults in the order in which they were met; all are counted, the first eight are reported. */
class FaultList {
  readonly #faults: Violation[] = [];

  add(field: string, description: string): void {
    this.#faults.push({ field, description });
  }

  addAll(faults: readonly Violation[]): void {
    for (const fault of faults) this.#faults.push(fault);
  }

  get all(): readonly Violation[] {
    return this.#faults;
  }

  throwIfAny(reason: "INVALID_CONTRACT" | "INVALID_SCHEMA", toolset: string): void {
    const count = this.#faults.length;
    if (count === 0) return;
    const listed = this.#faults.slice(0, MAX_VIOLATIONS).map((fault) => `${fault.field} ${fault.description}`);
    const more = count > MAX_VIOLATIONS ? ` (and ${count - MAX_VIOLATIONS} more)` : "";
    const name = isPlainToolsetName(toolset) ? ` of "${toolset}"` : "";
    throw new ToolgateError(
      reason,
      `the contract${name} has ${count === 1 ? "a fault" : `${count} faults`}: ${listed.join("; ")}${more}`,
      {
        violations: this.#faults,
      },
    );
  }
}
