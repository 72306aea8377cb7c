import { credentials } from "@grpc/grpc-js";
import type { CatalogClient } from "../../../src/protocol/generated/toolgate/v1/Catalog.js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** Readers of one node's catalogue, all at the same moment: watches, each until it has its snapshot, then readings of one toolset. */
export interface ReadTogetherCommand {
  readonly kind: "read_together";
  readonly address: string;
  readonly what: "watch" | "get";
  readonly readers: number;
  /** What is read with `get`. */
  readonly toolset: string;
}

/** How long it took until all of them had what they asked for, and how much that was. */
export interface ReadTogetherReport {
  readonly tookMs: number;
  readonly bytes: number;
}

const READERS_PER_CONNECTION = 50;
const LARGEST_BYTES = 67_108_864;

/** Registers one toolset whose contract has about this many bytes. */
export interface RegisterLargeCommand {
  readonly kind: "register_large";
  readonly address: string;
  readonly toolset: string;
  readonly bytes: number;
}

const LARGE_TOOLS = 512;

export async function readTogether(command: ReadTogetherCommand): Promise<ReadTogetherReport> {
  const { Catalog } = loadProtocol();
  const options = { "grpc.max_receive_message_length": LARGEST_BYTES, "grpc.use_local_subchannel_pool": 1 };
  const clients = Array.from(
    { length: Math.ceil(command.readers / READERS_PER_CONNECTION) },
    () => new Catalog(command.address, credentials.createInsecure(), options),
  );
  const read = command.what === "watch" ? watch : get;
  const startedAt = performance.now();
  try {
    const readers = Array.from({ length: command.readers }, (_, index) => clients[index % clients.length]);
    const bytes = await Promise.all(readers.flatMap((client) => (client === undefined ? [] : [read(client, command)])));
    return { tookMs: performance.now() - startedAt, bytes: bytes.reduce((sum, each) => sum + each, 0) };
  } finally {
    for (const client of clients) client.close();
  }
}

/** Resolves with the names of a whole snapshot, in bytes: what it holds of toolsets is not counted. */
function watch(client: CatalogClient): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = client.Watch({});
    let bytes = 0;
    stream.on("error", reject); // also of its cancellation, when it is settled already
    stream.on("data", ({ snapshot }) => {
      for (const { name } of snapshot?.toolsets ?? []) bytes += name.length;
      if (snapshot === null || snapshot.more) return;
      resolve(bytes);
      stream.cancel();
    });
  });
}

function get(client: CatalogClient, { toolset }: ReadTogetherCommand): Promise<number> {
  return new Promise((resolve, reject) => {
    client.GetToolset({ name: toolset }, (error, answer) => {
      if (answer === undefined) reject(error);
      else resolve((answer.contract?.tools ?? []).reduce((sum, tool) => sum + tool.payloadSchemaJson.length, 0));
    });
  });
}

export async function registerLarge({ address, toolset, bytes }: RegisterLargeCommand): Promise<null> {
  const { Registry } = loadProtocol();
  const client = new Registry(address, credentials.createInsecure());
  const description = "x".repeat(Math.floor(bytes / LARGE_TOOLS) - 200);
  const payloadSchemaJson = Buffer.from(JSON.stringify({ type: "object", properties: { text: { description } } }));
  const tools = Array.from({ length: LARGE_TOOLS }, (_, index) => ({ name: `tool_${index}`, payloadSchemaJson }));
  const request = { contract: { name: toolset, version: "1.0.0", tools }, providerId: "bench", incarnation: "1" };
  try {
    await new Promise<void>((resolve, reject) =>
      client.Register(request, (error) => (error === null ? resolve() : reject(error))),
    );
  } finally {
    client.close();
  }
  return null;
}
