import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type Toolgate, ToolgateError } from "../../src/index.js";
import { tlsClient } from "../support/ask-by-tls.js";
import { CertificateAuthority, type CertificateFiles } from "../support/certificate-authority.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { opensslWorks } from "../support/self-signed.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";

expectNoLeaks();

describe.runIf(opensslWorks())("client certificates", () => {
  let folder: string;
  let authority: CertificateAuthority;
  let redis: TestRedis;
  let cluster: ClosedCluster;
  let admin: Toolgate;
  let http = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "toolgate-mtls-"));
    authority = new CertificateAuthority(join(folder, "authority"));
    const server = authority.issue("server");
    redis = await privateRedis();
    const tls = { tlsCert: server.cert, tlsKey: server.key, tlsClientAuth: "request", tlsClientCa: authority.cert };
    cluster = await startClosedCluster({
      redis,
      nodes: 2,
      config: { ...STEADY, ...tls, httpListen: "127.0.0.1:0" },
    });
    http = /"httpAddress":"([^"]+)"/.exec(cluster.output(0).join("\n"))?.[1] ?? "";
    admin = await connect(cluster.nodes, { key: cluster.adminKey, tls: { ca: readFileSync(authority.cert) } });
    const body = { match: { uri: "spiffe://acme/agents/*" }, id: "{uri}", roles: ["agent"] };
    await admin.documents.apply([{ kind: "certificate", name: "agents", body }]);
  });
  afterAll(async () => {
    await admin?.close();
    await cluster?.stop();
    await redis?.stop();
    rmSync(folder, { recursive: true });
  });

  const as = (files: CertificateFiles, address = cluster.nodes) =>
    connect(address, {
      tls: { ca: readFileSync(authority.cert), cert: readFileSync(files.cert), key: readFileSync(files.key) },
    });

  /** By gRPC and by HTTP, which say the same. */
  async function whoIs(files: CertificateFiles): Promise<string> {
    await using client = await as(files);
    const byGrpc = await client.access.whoAmI().then(
      ({ kind, id }) => `${kind} ${id}`,
      (error: unknown) => (error instanceof ToolgateError ? error.reason : String(error)),
    );
    const https = tlsClient(http, authority.cert, files);
    try {
      const { body } = await https.get("/v1/whoami", { "x-forwarded-client-cert": "URI=spiffe://acme/agents/other" });
      const { kind, id, reason } = JSON.parse(body) as Readonly<Record<string, string>>;
      expect(reason ?? `${kind} ${id}`).toBe(byGrpc);
    } finally {
      https.close();
    }
    return byGrpc;
  }

  test("name a caller by the document that they match, and nobody where they match none", async () => {
    expect(await whoIs(authority.issue("agent", { san: "URI:spiffe://acme/agents/one" }))).toBe(
      "certificate spiffe://acme/agents/one",
    );
    expect(await whoIs(authority.issue("other", { san: "URI:spiffe://acme/others/one" }))).toBe("UNAUTHENTICATED");
    expect(await whoIs(authority.issue("deeper", { san: "URI:spiffe://acme/agents/one/two" }))).toBe("UNAUTHENTICATED");
  });

  test("hold for open streams as long as the document does", async () => {
    const files = authority.issue("leaver", { san: "URI:spiffe://acme/agents/leaver" });
    const clients = await Promise.all(cluster.addresses.map((address) => as(files, address)));
    let snapshots = 0;
    const ends = clients.map(async (client) => {
      try {
        for await (const _ of client.watch()) snapshots++;
      } catch (error) {
        return error instanceof ToolgateError ? error.reason : String(error);
      }
      return "ended";
    });
    await until("both watch", () => snapshots >= 2);
    await admin.documents.apply([{ kind: "certificate", name: "agents", remove: true }]);
    expect(await Promise.all(ends)).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
    await Promise.all(clients.map((client) => client.close()));
  });
});
