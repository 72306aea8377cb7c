import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { environment } from "../../src/config/environment.js";

/** What a tool answered. */
export interface McpAnswer {
  /** Of its first part. */
  readonly text: string;
  /** That it is an error of the tool. */
  readonly failed: boolean;
}

export interface McpCallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: number, message: string | undefined) => void;
}

/** A client of MCP that somebody else wrote, connected; each does the same by its own means. */
export interface McpClient {
  /** The names of all tools, whatever number of pages they come on. */
  list(): Promise<readonly string[]>;
  /** @throws where it is refused by the protocol, or given up */
  call(name: string, args: object, options?: McpCallOptions): Promise<McpAnswer>;
  /** Leaves, whatever is under way. */
  close(): Promise<void>;
}

/** Connects; resolves once changes of the list are heard of, where the client has that. */
export type ConnectMcp = (url: string, onListChanged: () => void) => Promise<McpClient>;

const self = { name: "tests", version: "1.0.0" };

/** Remembers when the stream of a `GET` is open, since no client of the earlier revisions tells. */
function fetchNoting(): { readonly fetch: typeof fetch; readonly listens: Promise<void> } {
  let opened = (): void => {};
  const listens = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const noting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if ((init?.method ?? "GET") === "GET" && response.status === 200) opened();
    return response;
  };
  return { fetch: noting, listens };
}

const answerOf = (result: { readonly [field: string]: unknown }): McpAnswer => ({
  text: (result.content as readonly { readonly text: string }[])[0]?.text ?? "", // all tools asked here answer with text
  failed: result.isError === true,
});

const requestOptions = ({ signal, onProgress }: McpCallOptions) => ({
  ...(signal === undefined ? {} : { signal }),
  ...(onProgress === undefined
    ? {}
    : {
        onprogress: (report: { readonly progress: number; readonly message?: string | undefined }) =>
          onProgress(report.progress, report.message),
      }),
});

/** The official TypeScript client, first generation. */
export const firstTypeScript: ConnectMcp = async (url, onListChanged) => {
  const { fetch: noting, listens } = fetchNoting();
  const client = new FirstClient(self);
  client.setNotificationHandler(ToolListChangedNotificationSchema, onListChanged);
  const transport = new FirstTransport(new URL(url), { fetch: noting });
  await client.connect(transport as Parameters<FirstClient["connect"]>[0]); // its own types are not for exactOptionalPropertyTypes
  await listens;
  return {
    list: async () => {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        names.push(...page.tools.map(({ name }) => name));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return names;
    },
    call: async (name, args, options = {}) =>
      answerOf(await client.callTool({ name, arguments: { ...args } }, undefined, requestOptions(options))),
    close: () => client.close(),
  };
};

/** The official TypeScript client, second generation. */
export const secondTypeScript =
  (mode: VersionNegotiationMode): ConnectMcp =>
  async (url, onListChanged) => {
    const { fetch: noting, listens } = fetchNoting();
    const client = new Client(self, {
      versionNegotiation: { mode },
      listChanged: { tools: { onChanged: onListChanged, autoRefresh: false } },
    });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: noting }));
    if (mode === "legacy") await listens;
    return {
      list: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args, options = {}) =>
        answerOf(await client.callTool({ name, arguments: { ...args } }, requestOptions(options))),
      close: () => client.close(),
    };
  };

const PROGRAM = fileURLToPath(new URL("../clients/fixtures/mcp_client.py", import.meta.url));

interface Said {
  readonly id?: number;
  readonly ready?: true;
  readonly changed?: true;
  readonly names?: readonly string[];
  readonly text?: string;
  readonly failed?: boolean;
  readonly error?: string;
  readonly progress?: number;
  readonly message?: string | null;
}

/**
 * A client of Python's, in a process of its own.
 *
 * @param python the interpreter that has it
 * @param library which one, as `fixtures/mcp_client.py` calls it
 */
export const pythonClient =
  (python: string, library: string): ConnectMcp =>
  async (url, onListChanged) => {
    const child = spawn(python, [PROGRAM, library, url], { env: environment() });
    const ended = once(child, "close");
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints = (complaints + text).slice(-4_000);
    });
    child.stdin.on("error", () => {}); // it has ended: what waits for it is told so below
    const waiting = new Map<number, (said: Said) => void>();
    let ready = (_error?: Error): void => {};
    const isReady = new Promise<void>((resolve, reject) => {
      ready = (error) => (error === undefined ? resolve() : reject(error));
    });
    createInterface(child.stdout).on("line", (line) => {
      const said = JSON.parse(line) as Said;
      if (said.ready) ready();
      if (said.changed) onListChanged();
      if (said.id !== undefined) waiting.get(said.id)?.(said);
    });
    void ended.then(() => {
      const error = `the client of Python ended: ${complaints}`;
      ready(new Error(error));
      for (const tell of waiting.values()) tell({ error });
    });
    const order = (what: object): void => void child.stdin.write(`${JSON.stringify(what)}\n`);
    let orders = 0;
    const ask = (what: object, { signal, onProgress }: McpCallOptions = {}): Promise<Said> => {
      const id = ++orders;
      return new Promise<Said>((resolve, reject) => {
        waiting.set(id, (said) => {
          if (said.progress !== undefined) return onProgress?.(said.progress, said.message ?? undefined);
          waiting.delete(id);
          if (said.error === undefined) resolve(said);
          else reject(new Error(said.error));
        });
        signal?.addEventListener("abort", () => order({ abort: id }), { once: true });
        order({ id, ...what });
      });
    };
    await isReady;
    return {
      list: async () => (await ask({ list: true })).names ?? [],
      call: async (call, args, options) => {
        const { text = "", failed = false } = await ask({ call, arguments: args }, options);
        return { text, failed };
      },
      close: async () => {
        child.stdin.end();
        await ended;
      },
    };
  };
