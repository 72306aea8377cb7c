import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** The part of an OpenAPI document that says what may be answered. */
export interface ServedDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
  readonly components: unknown;
}
type Responses = Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;

/** An event of a stream, as it came. */
export interface ServedEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** Asks a node by HTTP, and holds each answer against the document that the node serves. */
export interface RestClient {
  /** @throws Error where the answer has a status, a type, a form or a member that the document does not have */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The events of an answer of `ask`; each is checked too. */
  events(response: Response): AsyncGenerator<ServedEvent, undefined>;
}

/** @param key of a caller that may have the document; undefined where anybody may */
export async function restClient(base: string, key?: string): Promise<RestClient> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const document = (await (await fetch(`${base}/v1/openapi.json`, { headers })).json()) as ServedDocument; // as the schema of it has it
  const answers = new ServedAnswers(document);
  const streams = new WeakMap<Response, (event: ServedEvent) => void>();
  return {
    async ask(path, init = {}) {
      const response = await fetch(base + path, init);
      const checkEvent = await answers.check(init.method ?? "GET", path.split("?")[0] ?? "", response);
      if (checkEvent !== undefined) streams.set(response, checkEvent);
      return response;
    },
    async *events(response) {
      for await (const event of eventsOf(response)) {
        streams.get(response)?.(event);
        yield event;
      }
      return undefined;
    },
  };
}

const ID = "https://toolgate.test/served";
const PROBLEM_TYPE = "application/problem+json";

/** What a document says of answers. */
export class ServedAnswers {
  readonly #routes: readonly { readonly path: string; readonly pattern: RegExp; readonly methods: readonly string[] }[];
  readonly #document: ServedDocument;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #known = new Map<string, ValidateFunction>();

  constructor(document: ServedDocument) {
    this.#document = document;
    this.#ajv.addSchema(closed({ $id: ID, ...document }) as object);
    this.#routes = Object.keys(document.paths)
      .toSorted((a, b) => fixedLength(b) - fixedLength(a)) // `{call}:cancel` before `{call}`
      .map((path) => ({ path, pattern: patternOf(path), methods: Object.keys(document.paths[path] ?? {}) }));
  }

  /**
   * @param path without its query
   * @returns what checks the events of an answer that is a stream
   * @throws Error where the answer is not as documented
   */
  async check(method: string, path: string, response: Response): Promise<((event: ServedEvent) => void) | undefined> {
    const { status } = response;
    const type = response.headers.get("content-type") ?? "";
    const asked = method.toLowerCase();
    if (asked === "options") return undefined; // what browsers ask before they ask
    const verb = asked === "head" ? "get" : asked;
    const route = this.#routes.find((one) => one.methods.includes(verb) && one.pattern.test(path));
    const what = `${method} ${path}: ${status} ${type}`;
    if (asked === "head" && (await response.clone().text()) !== "") throw new Error(`${what}: there is a body`);
    if (route === undefined || status === 405) {
      if (asked === "head") return undefined;
      if (status < 400 || type !== PROBLEM_TYPE) throw new Error(`${what} is answered, and not documented`);
      this.#hold(what, "#/components/schemas/Problem", await response.clone().json());
      return undefined;
    }
    const answer = this.#document.paths[route.path]?.[verb]?.responses[String(status)];
    if (answer === undefined) throw new Error(`${what}: the status is not documented`);
    if (answer.content === undefined) {
      if ((await response.clone().text()) !== "") throw new Error(`${what}: there is a body, and none is documented`);
      return undefined;
    }
    if (!Object.hasOwn(answer.content, type)) throw new Error(`${what}: the type is not documented`);
    if (asked === "head") return undefined;
    const place = ["paths", route.path, verb, "responses", String(status), "content", type, "schema"];
    const schema = `#/${place.map((part) => encodeURIComponent(part.replace(/~/g, "~0").replace(/\//g, "~1"))).join("/")}`;
    if (type !== "text/event-stream") {
      this.#hold(what, schema, await response.clone().json());
      return undefined;
    }
    return ({ event, data }) =>
      this.#hold(`${what}, ${event}`, event === "problem" ? "#/components/schemas/Problem" : schema, data);
  }

  #hold(what: string, schema: string, value: unknown): void {
    const validate = this.#known.get(schema) ?? this.#ajv.compile({ $ref: `${ID}${schema}` });
    this.#known.set(schema, validate);
    if (validate(value)) return;
    const faults = (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(" "),
    );
    throw new Error(`${what} is not as documented: ${faults.slice(0, 5).join("; ")}`);
  }
}

const fixedLength = (path: string): number => path.replace(/\{\w+\}/g, "").length;

/** `/v1/calls/{call}:cancel`: what a name stands for ends where the path goes on. */
function patternOf(path: string): RegExp {
  const parts = path.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const whole = parts.reduce((before, part) => `${before}${part.startsWith(":") ? "[^/:]+" : "[^/]*"}${part}`);
  return new RegExp(`^${whole}$`);
}

/** The same, in which objects have no members but those that are documented, unless it says that they may. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  const isObject =
    parts.type === "object" && parts.properties !== undefined && parts.additionalProperties === undefined;
  return isObject ? { ...parts, additionalProperties: false } : parts;
}

/** Events until the stream ends, or is aborted. */
async function* eventsOf(response: Response): AsyncGenerator<ServedEvent, void> {
  let text = "";
  try {
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const field = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
        const [event] = field("event");
        if (event !== undefined) yield { id: field("id")[0], event, data: JSON.parse(field("data").join("\n")) };
      }
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // closed
  }
}
