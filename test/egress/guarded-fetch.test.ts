import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { allowList } from "../../src/egress/allow-list.js";
import { createGuardedFetch, type GuardedFetch } from "../../src/egress/guarded-fetch.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

function fetchWith(allow: string, names: Readonly<Record<string, readonly string[]>> = {}, more: object = {}) {
  const asked: string[] = [];
  const resolve = async (hostname: string): Promise<LookupAddress[]> => {
    asked.push(hostname);
    return (names[hostname] ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  const fetch: GuardedFetch = createGuardedFetch({ allow: allowList(allow), resolve, timeoutMs: 5_000, ...more });
  open.push(fetch);
  return { fetch, asked };
}

/** A server on loopback, where nothing of these may come; and what came. */
async function serve(listener: RequestListener): Promise<{ readonly port: number; readonly urls: string[] }> {
  const urls: string[] = [];
  const server: Server = createServer((request, response) => {
    urls.push(request.url ?? "");
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
  return { port: (server.address() as AddressInfo).port, urls }; // it listens on TCP
}

/** What is asked of a URL. */
const WAYS = [
  ["getJson", (fetch: GuardedFetch, url: string) => fetch.getJson(url)],
  ["post", (fetch: GuardedFetch, url: string) => fetch.post(url, {}, Buffer.from("{}"))],
] as const;

describe.each(WAYS)("what may not be reached by %s", (_name, ask) => {
  const URLS = [
    ...[
      "http://id.example/",
      "ftp://id.example/",
      "file:///etc/passwd",
      "data:application/json,{}",
      "//id.example/",
      "",
    ],
    ...[
      "gopher://127.0.0.1:6379/_FLUSHALL",
      "javascript:1",
      "https://",
      "not a URL",
      `https://id.example/${"x".repeat(3_000)}`,
    ],
    ...[
      "https://user:password@id.example/",
      "https://user@id.example/",
      "https://id.example:22/",
      "https://id.example:25/",
    ],
    ...["https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://017700000001/"],
    ...["https://0.0.0.0/", "https://0/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/"],
    ...[
      "https://169.254.169.254/latest/meta-data/",
      "https://100.64.0.1/",
      "https://192.0.0.1/",
      "https://198.18.0.1/",
    ],
    ...["https://224.0.0.1/", "https://255.255.255.255/", "https://192.0.2.1/", "https://240.0.0.1/"],
    ...[
      "https://[::1]/",
      "https://[::]/",
      "https://[fe80::1]/",
      "https://[fc00::1]/",
      "https://[fec0::1]/",
      "https://[ff02::1]/",
    ],
    ...[
      "https://[::ffff:127.0.0.1]/",
      "https://[::ffff:7f00:1]/",
      "https://[64:ff9b::7f00:1]/",
      "https://[64:ff9b:1::7f00:1]/",
    ],
    ...["https://[2002:7f00:1::]/", "https://[2001:0:1::1]/", "https://[2001:db8::1]/", "https://[::127.0.0.1]/"],
    ...["https://127.0.0.1.:443/", "https://①②⑦.⓪.⓪.①/", "https://127.0.0.1:6379/"],
  ];

  test("there are forty and more, and none is dialled or looked up", async () => {
    const { fetch, asked } = fetchWith("");
    expect(URLS.length).toBeGreaterThan(40);
    for (const url of URLS) {
      await expect(ask(fetch, url), url).rejects.toMatchObject({ name: "EgressError", kind: "refused" });
    }
    expect(asked).toEqual([]);
  });

  test("a name that resolves to what is private, in part or by another form, is not dialled", async () => {
    const server = await serve((_request, response) => response.end("{}"));
    const privately = [
      "127.0.0.1",
      "10.0.0.1",
      "::1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
      "169.254.169.254",
      "fd00::1",
    ];
    for (const address of privately) {
      const { fetch, asked } = fetchWith("", { "id.example": ["203.0.114.1", address] });
      const url = `https://id.example:${server.port}/`;
      await expect(ask(fetch, url), address).rejects.toMatchObject({ kind: "refused" });
      expect(asked).toEqual(["id.example"]);
    }
    expect(server.urls).toEqual([]);
  });

  test("a name is looked up where it is dialled, once: what it resolves to the next time gains nothing", async () => {
    const server = await serve((_request, response) => response.end("{}"));
    let times = 0;
    const rebinding = async () => [{ address: times++ === 0 ? "127.0.0.2" : "127.0.0.1", family: 4 }];
    const fetch = createGuardedFetch({ allow: allowList("127.0.0.2/32"), resolve: rebinding, timeoutMs: 5_000 });
    open.push(fetch);
    // The first address is allowed, and nothing speaks TLS there; the second is where the server is.
    await expect(ask(fetch, `https://id.example:${server.port}/`)).rejects.toMatchObject({ kind: "failed" });
    expect(times).toBe(1);
    await expect(ask(fetch, `https://id.example:${server.port}/`)).rejects.toMatchObject({ kind: "refused" });
    expect(server.urls).toEqual([]);
  });
});

describe("what an operator allows", () => {
  test("is fetched by name or address, in plain HTTP too", async () => {
    const server = await serve((_request, response) => response.end('{"keys":[]}'));
    const names = { "id.internal": ["127.0.0.1"] };
    for (const [allow, host] of [
      ["id.internal", "ID.internal"],
      ["10.0.0.0/8, 127.0.0.0/8", "127.0.0.1"],
      ["127.0.0.1", "127.0.0.1"],
    ] as const) {
      const { fetch } = fetchWith(allow, names);
      expect(String(await fetch.getJson(`http://${host}:${server.port}/keys`)), allow).toBe('{"keys":[]}');
    }
    const { fetch } = fetchWith("id.internal", { ...names, "other.internal": ["127.0.0.1"] });
    await expect(fetch.getJson(`http://other.internal:${server.port}/`)).rejects.toMatchObject({ kind: "refused" });
    await expect(fetch.getJson(`http://sub.id.internal:${server.port}/`)).rejects.toMatchObject({ kind: "refused" });
  });

  test("may redirect within itself, and nowhere else", async () => {
    const elsewhere = await serve((_request, response) => response.end("{}"));
    const server = await serve((request, response) => {
      const to: Record<string, string> = {
        "/within": "/keys",
        "/away": `http://127.0.0.1:${elsewhere.port}/`,
        "/again": "/again",
        "/file": "file:///etc/passwd",
        "/odd": "http://[",
      };
      const location = to[request.url ?? ""];
      if (location === undefined) response.end("{}");
      else response.writeHead(302, { location }).end();
    });
    const { fetch } = fetchWith("127.0.0.1");
    const at = (path: string) => fetch.getJson(`http://127.0.0.1:${server.port}${path}`);
    expect(String(await at("/within"))).toBe("{}");
    for (const path of ["/away", "/file", "/odd"])
      await expect(at(path), path).rejects.toMatchObject({ kind: "refused" });
    await expect(at("/again")).rejects.toMatchObject({ kind: "failed", message: "it redirects too often" });
    expect(elsewhere.urls).toEqual([]);
  });

  test("is bounded in size and time, and what it says is in no error", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/slow") return;
      if (request.url === "/wrong") response.writeHead(500).end("canary");
      else if (request.url === "/drip") {
        const drip = setInterval(() => response.write("x"), 20);
        response.on("close", () => clearInterval(drip));
      } else response.end("x".repeat(2_000_000));
    });
    const { fetch } = fetchWith("127.0.0.1", {}, { timeoutMs: 300 });
    for (const path of ["/large", "/slow", "/drip", "/wrong"]) {
      const error: unknown = await fetch.getJson(`http://127.0.0.1:${server.port}${path}`).catch((one: unknown) => one);
      expect(error, path).toMatchObject({ name: "EgressError", kind: "failed" });
      expect(String(error)).not.toContain("canary");
    }
  });

  test("that is down is a failure", async () => {
    const { fetch } = fetchWith("127.0.0.1", { "nowhere.example": [] });
    await expect(fetch.getJson("http://127.0.0.1:9/")).rejects.toMatchObject({ kind: "failed" });
    await expect(fetch.getJson("https://nowhere.example/")).rejects.toMatchObject({ kind: "failed" });
  });
});

describe("what is sent", () => {
  test("comes as it is, once; of the answer the status counts, and no redirect is followed", async () => {
    const got: { readonly type: string | undefined; readonly body: string }[] = [];
    const server = await serve((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => {
        body += part.toString();
      });
      request.on("end", () => {
        got.push({ type: request.headers["content-type"], body });
        const status = Number(request.url?.slice(1));
        response.writeHead(status, { location: "/200", "retry-after": "7" }).end("x".repeat(1_000));
      });
    });
    const { fetch } = fetchWith("127.0.0.1");
    const headers = { "content-type": "application/json" };
    for (const status of [200, 204, 307, 410, 503]) {
      const sent = Buffer.from(`{"n": ${status}.0}`);
      expect(await fetch.post(`http://127.0.0.1:${server.port}/${status}`, headers, sent)).toEqual({
        status,
        retryAfter: "7",
      });
    }
    expect(server.urls).toEqual(["/200", "/204", "/307", "/410", "/503"]);
    expect(got[0]).toEqual({ type: "application/json", body: '{"n": 200.0}' });
  });

  test("is not answered without end, nor after too long", async () => {
    const server = await serve((request, response) => {
      request.resume();
      if (request.url === "/silent") return;
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    const { fetch } = fetchWith("127.0.0.1", {}, { timeoutMs: 500, maxBytes: 1_024 });
    const send = (path: string) => fetch.post(`http://127.0.0.1:${server.port}${path}`, {}, Buffer.from("{}"));
    expect(await send("/endless")).toEqual({ status: 200, retryAfter: undefined });
    await expect(send("/silent")).rejects.toMatchObject({ name: "EgressError", kind: "failed" });
  });
});
