import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { route } from "../../../src/front/http/route.js";
import { ROUTES } from "../../../src/front/http/routes.js";
import { serverStream } from "../../../src/front/services/methods.js";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { type TlsClient, tlsClient } from "../../support/ask-by-tls.js";
import { CertificateAuthority, type CertificateFiles } from "../../support/certificate-authority.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { opensslWorks } from "../../support/self-signed.js";
import { until } from "../../support/until.js";
import { httpEcho } from "./http-echo.js";

expectNoLeaks();

/** Who asks by HTTP is known by its certificate as by gRPC, and as long as that holds. */
describe.runIf(opensslWorks())("HTTPS", () => {
  let folder = "";
  const clients: TlsClient[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "toolgate-https-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const FOLLOW = route({
    method: "GET",
    path: "/follow",
    rpc: "Gateway/FollowCall",
    operationId: "follow",
    summary: "Follows.",
    tag: "test",
    answers: { 200: { description: "Events.", contentType: "text/event-stream" } },
    handle: async ({ ask }) => ({
      events: (async function* () {
        for await (const _ of ask.stream("Gateway/FollowCall", {})) yield { event: "output", data: {} };
      })(),
    }),
  });
  const FollowCall = serverStream(async function* (_request, { signal }) {
    yield { deltas: [{ cursor: "1" }] };
    if (!signal.aborted) await once(signal, "abort");
  });

  async function serving(tlsClientAuth: "none" | "request" | "require") {
    const base = mkdtempSync(join(folder, "served-"));
    const [own, foreign] = ["own", "foreign"].map((name) => new CertificateAuthority(join(base, name), name)) as [
      CertificateAuthority,
      CertificateAuthority,
    ];
    const [cert, key, crl] = [join(base, "served.pem"), join(base, "served.key"), join(base, "served.crl")];
    const put = (from: string, to: string): void => {
      writeFileSync(`${to}.next`, readFileSync(from));
      renameSync(`${to}.next`, to);
    };
    const serve = (files: CertificateFiles): void => {
      put(files.cert, cert);
      put(files.key, key);
    };
    const revoked = (): void => put(own.revocations(), crl);
    serve(own.issue("server"));
    revoked();
    const access = new ScriptedAccess();
    access.byCertificate = true;
    const asks = tlsClientAuth === "none" ? {} : { tlsClientCa: own.cert, tlsClientCrl: crl };
    const echo = await httpEcho(
      { FollowCall },
      { tlsCert: cert, tlsKey: key, tlsClientAuth, ...asks },
      { access, routes: [...ROUTES.filter(({ tag }) => tag === "health"), FOLLOW] },
    );
    const client = (files?: CertificateFiles): TlsClient => {
      const made = tlsClient(echo.address, own.cert, files);
      clients.push(made);
      return made;
    };
    return {
      ...{ echo, own, foreign, access, client, serve, revoked },
      async [Symbol.asyncDispose]() {
        for (const one of clients.splice(0)) one.close();
        await echo[Symbol.asyncDispose]();
      },
    };
  }

  /** The status, or the code by which the connection fails. */
  const outcome = (client: TlsClient, path = "/livez"): Promise<number | string> =>
    client.get(path).then(
      ({ status }) => status,
      ({ code }) => code,
    );

  test("what does not speak TLS is answered nothing, and the next one is served", async () => {
    await using served = await serving("none");
    expect(await served.echo.raw("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")).not.toContain("HTTP/1.1 200");
    expect(await outcome(served.client())).toBe(200);
  });

  test.each(["request", "require"] as const)("a caller is known by its certificate (%s)", async (mode) => {
    await using served = await serving(mode);
    const { own, foreign, access, client } = served;
    const good = own.issue("good", { san: "URI:spiffe://acme/agent" });
    const following = client(good).get("/follow");
    await until("it is asked", () => access.asked.length > 0);
    expect(access.asked.at(-1)?.certificate).toEqual(new X509Certificate(readFileSync(good.cert)).raw);
    const asked = access.asked.length;
    for (const bad of [foreign.issue("foreign"), own.issue("expired", { expired: true })])
      expect(await outcome(client(bad), "/follow")).toMatch(/^(ECONNRESET|EPIPE|ERR_SSL_)/);
    expect(access.asked.length, "no request came").toBe(asked);
    if (mode === "request") expect(await outcome(client(), "/follow")).toBe(401);
    else expect(await outcome(client(), "/follow")).toMatch(/^(ECONNRESET|EPIPE|ERR_SSL_)/);
    access.byCertificate = false;
    access.change();
    await following;
  });

  test("another certificate is taken over, and connections that are open go on", async () => {
    await using served = await serving("none");
    const { own, echo, client, serve } = served;
    const open = client();
    const first = await open.get("/livez");
    const next = own.issue("next", { commonName: "next" });
    serve(next);
    await until("it is taken over", () => echo.lines.some(({ event }) => event === "tls_reloaded"));
    const again = await open.get("/livez");
    expect([again.status, again.from]).toEqual([200, first.from]);
    expect(await outcome(client())).toBe(200);
    open.hangUp();
    expect((await open.get("/livez")).resumed, "by the ticket of the certificate before").toBe(false);
  });

  test.each(["request", "require"] as const)(
    "who was let in by what is revoked is put out, and comes in by no former handshake (%s)",
    async (mode) => {
      await using served = await serving(mode);
      const { own, echo, client, revoked } = served;
      const files = { leaver: own.issue("leaver"), stays: own.issue("stays") };
      const [leaver, idle, stays] = [client(files.leaver), client(files.leaver), client(files.stays)];
      const [before] = await Promise.all([stays.get("/livez"), idle.get("/livez")]);
      idle.hangUp();
      expect((await idle.get("/livez")).resumed).toBe(true);
      const following = leaver.get("/follow").then(
        () => "ended",
        ({ code }) => code,
      );
      await until("it follows", () => served.access.asked.length > 0);
      own.revoke(files.leaver);
      revoked();
      expect(await following).toBe("ECONNRESET");
      expect(echo.lines).toContainEqual(
        expect.objectContaining({ event: "tls_clients_closed", listener: "http", connections: 2 }),
      );
      for (const one of [leaver, idle, client(files.leaver)])
        expect(await outcome(one)).toMatch(/^(ECONNRESET|EPIPE|ERR_SSL_)/);
      expect(await stays.get("/livez")).toMatchObject({ status: 200, from: before.from });
    },
  );
});
