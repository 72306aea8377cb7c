import { Pool } from "undici";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";

const REVISION = "2026-07-28";

/** A call by MCP, each a request of its own, in the revision whose requests stand alone; over connections that stay open, as `restCaller`. */
export function mcpCaller({ address, toolset, tool, payload, key }: CallTarget): Caller {
  const pool = new Pool(`http://${address}`, { pipelining: 1 });
  const name = `${toolset}__${tool}`;
  const meta = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const params = `{"name":${JSON.stringify(name)},"arguments":${payload},"_meta":${JSON.stringify(meta)}}`;
  const request = {
    method: "POST",
    path: "/mcp",
    headers: {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": REVISION,
      "mcp-method": "tools/call",
      "mcp-name": name,
      "request-timeout": `${CALL_TIMEOUT_MS}ms`,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
  } as const;
  let id = 0;
  const call = async (): Promise<void> => {
    const body = `{"jsonrpc":"2.0","id":${++id},"method":"tools/call","params":${params}}`;
    const answer = await pool.request({ ...request, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !text.includes('"result"') || text.includes('"isError":true'))
      throw new Error(`the call was answered ${answer.statusCode}: ${text.slice(0, 200)}`);
  };
  return {
    call(onEnd) {
      call().then(() => onEnd(undefined), onEnd);
    },
  };
}
