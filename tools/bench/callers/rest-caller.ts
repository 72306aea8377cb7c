import { Pool } from "undici";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";

/**
 * A call by HTTP/1.1, each a request of its own: as many connections as there are calls at once, which stay open. undici is what Node's
 * own `fetch` is made of, without what browsers need.
 */
export function restCaller({ address, toolset, tool, payload, key, traceparent }: CallTarget): Caller {
  const pool = new Pool(`http://${address}`, { pipelining: 1 });
  const request = {
    method: "POST",
    path: `/v1/toolsets/${encodeURIComponent(toolset)}/tools/${encodeURIComponent(tool)}:call`,
    headers: {
      "content-type": "application/json",
      "request-timeout": `${CALL_TIMEOUT_MS}ms`,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: payload,
  } as const;
  const call = async (): Promise<void> => {
    const { statusCode, body } = await pool.request(request);
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`the call was answered ${statusCode}: ${text.slice(0, 200)}`);
  };
  return {
    call(onEnd) {
      call().then(() => onEnd(undefined), onEnd);
    },
  };
}
