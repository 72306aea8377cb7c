import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";

/** The baseline of calls by MCP: the official SDK's own stateless server, which gives back what it got, without a gateway. */

const SCHEMA = { type: "object", properties: { text: { type: "string" } } } as const;

const handler = createMcpHandler(() => {
  const server = new Server({ name: "bench", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/list", () => ({ tools: [{ name: "bench__echo", inputSchema: SCHEMA }] }));
  server.setRequestHandler("tools/call", ({ params }) => ({
    content: [{ type: "text", text: JSON.stringify(params.arguments) }],
    structuredContent: params.arguments ?? {},
  }));
  return server;
});
const listener = toNodeHandler(handler);
const server = createServer((request, response) => void listener(request as Parameters<typeof listener>[0], response)); // what a server gives has a method;
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo; // of a server that listens
  console.log(JSON.stringify({ event: "listening", address: `127.0.0.1:${port}` }));
});
process.once("SIGTERM", () => process.exit(0));
