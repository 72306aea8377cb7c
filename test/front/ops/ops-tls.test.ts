import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.js";
import { Listeners } from "../../../src/front/listening/listeners.js";
import { OpsServer } from "../../../src/front/ops/ops-server.js";
import { createLogger } from "../../../src/observe/logger.js";
import { MetricsRegistry } from "../../../src/observe/metrics/metrics-registry.js";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { type TlsClient, tlsClient } from "../../support/ask-by-tls.js";
import { CertificateAuthority, type CertificateFiles } from "../../support/certificate-authority.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { opensslWorks } from "../../support/self-signed.js";

expectNoLeaks();

test("TLS for operators takes a certificate", () => {
  expect(() => parseConfig({ env: { TOOLGATE_OPS_TLS: "on" } })).toThrow(/TOOLGATE_OPS_TLS.*TLS takes a certificate/s);
});

describe.runIf(opensslWorks())("the operators' listener, with TLS", () => {
  let folder = "";
  let own: CertificateAuthority;
  let ops: OpsServer;
  let listeners: Listeners;
  let address = "";
  let crl = "";
  const lines: Record<string, unknown>[] = [];
  const access = new ScriptedAccess();
  const clients: TlsClient[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "toolgate-ops-tls-"));
    own = new CertificateAuthority(join(folder, "own"), "own");
    const server = own.issue("server");
    crl = join(folder, "clients.crl");
    writeFileSync(crl, readFileSync(own.revocations()));
    access.byCertificate = true;
    const flags = {
      ...{ opsListen: "127.0.0.1:0", opsTls: "on", opsAuth: "required" },
      ...{ tlsCert: server.cert, tlsKey: server.key, tlsClientAuth: "request" },
      ...{ tlsClientCa: own.cert, tlsClientCrl: crl },
    };
    const config = parseConfig({ env: {}, flags });
    const log = createLogger({ level: "debug", to: { write: (line) => void lines.push(JSON.parse(line)) } });
    listeners = new Listeners({ config, log });
    await listeners.start();
    ops = new OpsServer({
      ...{ config, log, access, metrics: new MetricsRegistry(), tls: listeners.tls },
      hasTenants: () => false,
      settings: () => [],
      health: async () => ({ ready: true, parts: {} }),
    });
    address = (await ops.start()).address;
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await ops?.stop();
    await listeners?.stop();
    rmSync(folder, { recursive: true });
  });

  const client = (files?: CertificateFiles): TlsClient => {
    const made = tlsClient(address, own.cert, files);
    clients.push(made);
    return made;
  };

  test("asks no one in clear", async () => {
    await expect(fetch(`http://${address}/livez`)).rejects.toThrow();
    expect(await client().get("/livez")).toMatchObject({ status: 200, body: "ok\n" });
  });

  test("knows operators by their certificates, and refuses those that nobody vouches for", async () => {
    expect(await client().get("/metrics")).toMatchObject({ status: 401 });
    expect(await client(own.issue("operator")).get("/metrics")).toMatchObject({ status: 200 });
    const foreign = new CertificateAuthority(join(folder, "foreign"), "foreign");
    await expect(client(foreign.issue("foreign")).get("/livez")).rejects.toThrow();
  });

  test("puts out who is revoked", async () => {
    const files = { leaver: own.issue("leaver"), stays: own.issue("stays") };
    const [leaver, stays] = [client(files.leaver), client(files.stays)];
    const [, before] = await Promise.all([leaver.get("/livez"), stays.get("/livez")]);
    const profile = leaver.get("/debug/cpu?seconds=60"); // as long as it may be
    own.revoke(files.leaver);
    writeFileSync(`${crl}.next`, readFileSync(own.revocations()));
    renameSync(`${crl}.next`, crl);
    await expect(profile).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(leaver.get("/livez")).rejects.toThrow();
    expect(await stays.get("/livez")).toMatchObject({ status: 200, from: before.from });
    expect(lines).toContainEqual(
      expect.objectContaining({ event: "tls_clients_closed", listener: "ops", connections: 1 }),
    );
  });
});
