import { ToolgateError } from "../../errors/toolgate-error.js";
import { compileToolPattern } from "../../identity/name-pattern.js";
import { fitDescription, fitTitle, type SkippedPart } from "../mounted-tool.js";
import { printable } from "../server-log.js";
import { semanticVersion } from "../server-version.js";
import type { Credentials } from "./credentials.js";
import { type HttpTool, httpToolOf } from "./http-tool.js";
import { type OpenApiDocument, textOf } from "./openapi-document.js";
import { type Operation, operationsOf } from "./operations.js";
import { documentTarget, type HttpTarget, operationTarget } from "./servers.js";
import { toolNameOf } from "./tool-names.js";
import { usable } from "./unusable.js";

/** Which operations become tools, and how. */
export interface HttpToolChoice {
  /** Only these; see `selectorFault` for how they are written. All when absent. */
  readonly only?: readonly string[];
  /** Not these. */
  readonly skip?: readonly string[];
  /** May be run again, besides those whose method says so: GET, HEAD, OPTIONS, PUT and DELETE. */
  readonly idempotent?: readonly string[];
  /** May not be run again, whatever their method says. */
  readonly once?: readonly string[];
  /** Where requests go, instead of where the document says. */
  readonly server?: string;
  /** Without the result schemas: for servers that do not keep to their document. `false` when absent. */
  readonly withoutResultSchemas?: boolean;
}

/** A tool with all that a call of it needs to know. */
export interface PlannedTool extends HttpTool {
  readonly target: HttpTarget;
  /** The security schemes that its requests carry. */
  readonly schemes: readonly string[];
}

/** What a document comes to. */
export interface HttpToolset {
  readonly target: HttpTarget;
  readonly version: string;
  readonly title: string | undefined;
  readonly description: string;
  readonly tools: readonly PlannedTool[];
  readonly skipped: readonly SkippedPart[];
  /** What was changed to fit, for the operator. */
  readonly notes: readonly string[];
}

/** Limits of the wire contract, less what else it has: a contract takes at most 4 MiB unless a registry allows more. */
const MAX_TOOLS = 1_024;
const MAX_SCHEMAS_BYTES = 3_500_000;
const METHOD = /^([A-Z*]+) (\S+)$/;

/**
 * Turns a document into the tools of a toolset. An operation that cannot be one is left out and reported, so that one does not keep the
 * others away.
 *
 * @param documentUrl where the document was fetched; undefined where it is a file.
 * @throws ToolgateError INVALID_CONFIG when there is no server, a selector matches nothing, or no tool remains
 */
export function planToolset(
  document: OpenApiDocument,
  choice: HttpToolChoice,
  credentials: Credentials,
  documentUrl: string | undefined,
): HttpToolset {
  credentials.checkSchemes(document);
  const target = documentTarget(document, choice.server, documentUrl);
  const { operations, unusable } = operationsOf(document);
  const named = operations.map((operation) => ({ operation, name: nameOf(operation) }));
  const selectors = readSelectors(choice, named);
  const skipped: SkippedPart[] = unusable.map(({ request, why }) => ({
    name: printable(request, 200),
    part: "tool",
    why,
  }));
  const tools = new Map<string, PlannedTool>();
  for (const { operation, name } of named) {
    const request = printable(`${operation.method} ${operation.path}`, 200);
    const leaveOut = (why: string): void =>
      void skipped.push({ name: name === "" ? request : name, part: "tool", why });
    if (!selectors.chooses(operation, name)) continue;
    if (name === "") {
      leaveOut("neither its operationId nor its path makes a tool's name");
      continue;
    }
    const known = tools.get(name);
    if (known !== undefined) {
      leaveOut(`${request} has the name of ${known.plan.method} ${printable(known.plan.path, 200)}, which comes first`);
      continue;
    }
    if (tools.size === MAX_TOOLS) {
      leaveOut(`a toolset has at most ${MAX_TOOLS} tools; choose with --only or --skip`);
      continue;
    }
    const planned = planTool(document, operation, name, target, choice, credentials, documentUrl);
    if (planned.kind === "unusable") {
      leaveOut(planned.why);
      continue;
    }
    const { tool } = planned;
    if (tool.resultFault !== undefined && choice.withoutResultSchemas !== true) {
      skipped.push({ name, part: "result_schema", why: tool.resultFault });
    }
    tools.set(name, { ...tool, idempotent: selectors.mayRunAgain(operation, name, tool.idempotent) });
  }
  const fitting = fitTogether([...tools.values()], choice.withoutResultSchemas === true);
  if (fitting.tools.length === 0) throw noTool(skipped);
  const version = semanticVersion(textOf(document.info.version) ?? "");
  return {
    target,
    version: version.version,
    title: titleOf(document),
    description: fitDescription(
      textOf(document.info.description) ?? textOf(document.info.summary) ?? `Operations of ${target.origin}.`,
    ),
    tools: fitting.tools,
    skipped: [...skipped, ...fitting.skipped],
    notes: version.note === undefined ? [] : [version.note],
  };
}

/**
 * What is wrong with a selector of operations; nothing where it is one. Selectors are names of tools, `METHOD /path` as in the
 * document, or `tag:name`; `*` stands for any run of characters without a slash, and alone for everything.
 */
export function selectorFault(selector: string): string | undefined {
  if (selector.includes(" ") && !METHOD.test(selector)) return 'must be a tool\'s name, "METHOD /path" or "tag:name"';
  return undefined;
}

function planTool(
  document: OpenApiDocument,
  operation: Operation,
  name: string,
  common: HttpTarget,
  choice: HttpToolChoice,
  credentials: Credentials,
  documentUrl: string | undefined,
): { readonly kind: "tool"; readonly tool: PlannedTool } | { readonly kind: "unusable"; readonly why: string } {
  const target = operationTarget(operation, common, choice.server, documentUrl);
  if (target.kind === "unusable") return target;
  const secured = credentials.schemesFor(document, operation);
  if (secured.kind === "unusable") return secured;
  const { schemes } = secured;
  const made = usable(() =>
    httpToolOf(document, operation, name, (place, parameter) =>
      credentials.carries(document, schemes, place, parameter),
    ),
  );
  if (made.kind === "unusable") return made;
  return { kind: "tool", tool: { ...made.value, target: target.target, schemes } };
}

/** Leaves out the largest result schemas until all fit into one contract. */
function fitTogether(
  tools: readonly PlannedTool[],
  withoutResults: boolean,
): { readonly tools: readonly PlannedTool[]; readonly skipped: readonly SkippedPart[] } {
  const skipped: SkippedPart[] = [];
  const sizes = tools.map((tool) => {
    const { result, ...rest } = tool;
    const isKept = result !== undefined && !withoutResults;
    return {
      tool: isKept ? tool : rest,
      result: isKept ? bytesOf(result) : 0,
      rest: bytesOf([tool.payload, tool.description]),
    };
  });
  let total = sizes.reduce((sum, { result, rest }) => sum + result + rest, 0);
  const dropped = new Set<string>();
  for (const { tool, result } of [...sizes].sort((a, b) => b.result - a.result)) {
    if (total <= MAX_SCHEMAS_BYTES || result === 0) break;
    total -= result;
    dropped.add(tool.name);
    skipped.push({
      name: tool.name,
      part: "result_schema",
      why: `all schemas together take more than ${MAX_SCHEMAS_BYTES} bytes, and this is among the largest; choose with --only or --skip`,
    });
  }
  if (total > MAX_SCHEMAS_BYTES) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The payload schemas of the ${tools.length} tools take ${total} bytes together, which no toolset has room for. Choose with --only or --skip.`,
    );
  }
  return {
    tools: sizes.map(({ tool }) => {
      if (!dropped.has(tool.name)) return tool;
      const { result: _large, ...rest }: PlannedTool = tool;
      return rest;
    }),
    skipped,
  };
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

interface Selectors {
  chooses(operation: Operation, name: string): boolean;
  mayRunAgain(operation: Operation, name: string, usual: boolean): boolean;
}

type Selector = (operation: Operation, name: string) => boolean;

function readSelectors(
  choice: HttpToolChoice,
  named: readonly { readonly operation: Operation; readonly name: string }[],
): Selectors {
  const read = (option: string, given: readonly string[] | undefined): readonly Selector[] =>
    (given ?? []).map((text) => {
      const fault = selectorFault(text);
      if (fault !== undefined) throw invalid(`--${option} ${JSON.stringify(printable(text, 100))} ${fault}.`);
      const selector = selectorOf(text);
      if (named.some(({ operation, name }) => selector(operation, name))) return selector;
      const names = named.slice(0, 50).map(({ operation, name }) => name || `${operation.method} ${operation.path}`);
      throw invalid(
        `--${option} ${JSON.stringify(printable(text, 100))} matches no operation. The document has: ${printable(names.join(", "), 2_000)}.`,
      );
    });
  const only = choice.only === undefined ? undefined : read("only", choice.only);
  const skip = read("skip", choice.skip);
  const idempotent = read("idempotent", choice.idempotent);
  const once = read("once", choice.once);
  const any = (selectors: readonly Selector[], operation: Operation, name: string): boolean =>
    selectors.some((selects) => selects(operation, name));
  return {
    chooses: (operation, name) => (only === undefined || any(only, operation, name)) && !any(skip, operation, name),
    mayRunAgain: (operation, name, usual) => (usual || any(idempotent, operation, name)) && !any(once, operation, name),
  };
}

function selectorOf(text: string): Selector {
  const [, method, path] = METHOD.exec(text) ?? [];
  if (method !== undefined && path !== undefined) {
    const [ofMethod, ofPath] = [compileToolPattern(method), compileToolPattern(path)];
    return (operation) => ofMethod(operation.method) && ofPath(operation.path);
  }
  if (text.startsWith("tag:")) {
    const ofTag = compileToolPattern(text.slice("tag:".length));
    return ({ object: { tags } }) => Array.isArray(tags) && tags.some((tag) => typeof tag === "string" && ofTag(tag));
  }
  const ofName = compileToolPattern(text);
  return (_operation, name) => ofName(name);
}

function nameOf({ object, method, path }: Operation): string {
  return toolNameOf(textOf(object.operationId), method, path);
}

function titleOf(document: OpenApiDocument): string | undefined {
  const title = textOf(document.info.title);
  return title === undefined ? undefined : fitTitle(title);
}

function noTool(skipped: readonly SkippedPart[]): ToolgateError {
  const [first] = skipped;
  const why = first === undefined ? "" : ` ${skipped.length} were left out: ${first.name}: ${first.why}.`;
  return invalid(`The document has no operation that becomes a tool.${why}`);
}

function invalid(message: string): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", message);
}
