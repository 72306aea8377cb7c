import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { allowList } from "../../../src/egress/allow-list.js";
import { createEgressGuard } from "../../../src/egress/egress-guard.js";
import { HttpClient, type OutgoingRequest, type SendOutcome } from "../../../src/hosting/http/http-client.js";
import { freePort } from "../../../src/local-cluster/free-port.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { ApiServer, json } from "./api-server.js";

expectNoLeaks();

let asked: ApiServer;
let other: ApiServer;
let client: HttpClient;
beforeAll(async () => {
  asked = await ApiServer.start();
  other = await ApiServer.start();
  const guardOf = ({ url }: ApiServer) => createEgressGuard({ allow: allowList(new URL(url).host) });
  // The other one stands for a public server, as nothing on loopback is one.
  client = new HttpClient({ asked: guardOf(asked), elsewhere: guardOf(other) }, 2);
});
afterAll(async () => {
  await client.stop();
  await asked.stop();
  await other.stop();
});
afterEach(() => {
  for (const server of [asked, other]) {
    server.seen.length = 0;
    server.answer = (_request, response) => json(response, {});
  }
});

async function send(request: Partial<OutgoingRequest> = {}): Promise<SendOutcome> {
  const headers = { authorization: "Bearer secret", traceparent: "00-1", accept: "application/json" };
  const whole: OutgoingRequest = { method: "GET", origin: asked.url, path: "/a?key=secret", headers, body: undefined };
  const outcome = await client.send({ ...whole, ...request }, new AbortController().signal);
  if (outcome.kind === "answered") outcome.body.destroy();
  return outcome;
}

function redirect(from: ApiServer, status: number, location: string): void {
  from.answer = (_request, response) => void response.writeHead(status, { location }).end();
}

test("a redirect to another origin takes nothing of the request along, nor does one from there", async () => {
  redirect(asked, 302, `${other.url}/elsewhere`);
  other.answer = ({ url }, response) => {
    if (url === "/elsewhere") response.writeHead(302, { location: "/further" }).end();
    else json(response, {});
  };
  expect(await send()).toMatchObject({ kind: "answered", status: 200 });
  expect(other.seen.map(({ url }) => url)).toEqual(["/elsewhere", "/further"]);
  expect(other.seen[0]?.headers).toMatchObject({ accept: "application/json" });
  expect(JSON.stringify(other.seen)).not.toMatch(/secret|traceparent/);
});

test("another origin is dialled by its own guard, the first one by the first", async () => {
  const port = await freePort();
  redirect(asked, 302, `${other.url}/elsewhere`);
  redirect(other, 302, `http://127.0.0.1:${port}/metrics`);
  expect(await send()).toEqual({
    kind: "redirected",
    status: 302,
    why: "where it leads is not dialled: it must be an https URL",
  });
  // What only redirects may lead to is not asked otherwise.
  expect(await send({ origin: other.url })).toMatchObject({ kind: "refused" });
});

test("a request that had its effect is not said to be unsent because its redirect leads nowhere", async () => {
  const port = await freePort();
  const elsewhere = createEgressGuard({ allow: allowList("127.0.0.1") });
  const guard = createEgressGuard({ allow: allowList(new URL(asked.url).host) });
  const wide = new HttpClient({ asked: guard, elsewhere }, 2);
  redirect(asked, 303, `http://127.0.0.1:${port}/done`);
  try {
    const request: OutgoingRequest = { method: "POST", origin: asked.url, path: "/a", headers: {}, body: undefined };
    expect(await wide.send(request, new AbortController().signal)).toEqual({ kind: "lost", why: "ECONNREFUSED" });
    expect(asked.seen).toHaveLength(1);
  } finally {
    await wide.stop();
  }
});
