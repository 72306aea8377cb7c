import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askOwnNode, reachedAt } from "../../cmd/doctor/own-node.js";
import { type ListenerConfig, parseListenerConfig } from "../../src/config/config.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { echoServer, GATEWAY } from "../front/grpc/echo-server.js";
import { CertificateAuthority } from "../support/certificate-authority.js";
import { expectNoLeaks } from "../support/leaks.js";
import { opensslWorks, selfSignedIn } from "../support/self-signed.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toolgate-health-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("toolgate health is status 0 while the node serves, and 1 as soon as it does not", async () => {
  await using echo = await echoServer();
  const health = async (...args: string[]) => {
    const { code, stdout } = await runToolgate(["health", ...args], { env: { TOOLGATE_LISTEN: echo.address } });
    return { code, stdout };
  };
  expect(await health()).toEqual({ code: 0, stdout: `${echo.address} SERVING\n` });
  const ofService = await health("--service", GATEWAY, "--json");
  expect({ code: ofService.code, ...JSON.parse(ofService.stdout) }).toEqual({
    code: 0,
    address: echo.address,
    service: GATEWAY,
    status: "SERVING",
  });
  expect(await health("--service", "toolgate.v1.Nothing")).toEqual({
    code: 1,
    stdout: expect.stringMatching(/SERVICE_UNKNOWN: .*no service "toolgate\.v1\.Nothing"/),
  });
  echo.server.setServing("all", false);
  expect(await health()).toEqual({ code: 1, stdout: `${echo.address} NOT_SERVING\n` });
  const nobody = `127.0.0.1:${await freePort()}`;
  expect(await health("--listen", nobody)).toEqual({
    code: 1,
    stdout: expect.stringMatching(/^\S+ UNREACHABLE: .*ECONNREFUSED/),
  });
});

test.each([
  ["0.0.0.0:7400", "127.0.0.1:7400"],
  ["[::]:7400", "[::1]:7400"],
  ["[0:0:0:0:0:0:0:0]:7400", "[::1]:7400"],
  ["127.0.0.1:7400", "127.0.0.1:7400"],
  ["10.0.0.5:7400", "10.0.0.5:7400"],
  ["[fd00::5]:7400", "[fd00::5]:7400"],
  ["node-1.example:7400", "node-1.example:7400"],
])("a node that listens on %s is asked at %s", (listen, asked) => {
  expect(reachedAt(listen)).toBe(asked);
});

test("a port that the system chose cannot be known", () => {
  expect(() => reachedAt("127.0.0.1:0")).toThrow(/TOOLGATE_LISTEN \(--listen\)/);
});

test("other settings of the node are not looked at, and none of them is unknown", () => {
  const env = { TOOLGATE_LISTEN: "0.0.0.0:7400", REDIS_URL: "cmd:false", TOOLGATE_MAX_BACKLOG: "none" };
  expect(parseListenerConfig({ env })).toMatchObject({ listen: "0.0.0.0:7400", tlsCert: "" });
  expect(() => parseListenerConfig({ env: { TOOLGATE_LISTN: "x" } })).toThrow(/did you mean TOOLGATE_LISTEN/);
});

describe.runIf(opensslWorks())("with TLS", () => {
  const listener = (address: string, files: Partial<ListenerConfig>): ListenerConfig => ({
    listen: address,
    tlsCert: "",
    tlsKey: "",
    tlsClientAuth: "none",
    ...files,
  });

  test("the node's own settings say so, whatever name its certificate is for", async () => {
    const files = selfSignedIn(folder, "own");
    await using echo = await echoServer({}, files);
    expect(await askOwnNode(listener(echo.address, files), "", undefined)).toMatchObject({ status: "SERVING" });
    expect(await askOwnNode(listener(echo.address, {}), "", undefined)).toMatchObject({ status: "UNREACHABLE" });
  });

  test("a node that demands a certificate is shown its own, or the one that is given", async () => {
    const [own, other] = [
      new CertificateAuthority(join(folder, "ca")),
      new CertificateAuthority(join(folder, "other")),
    ];
    const [node, probe, foreign] = [own.issue("node"), own.issue("probe"), other.issue("node")];
    const demanding = { tlsClientAuth: "require", tlsClientCa: own.cert } as const;
    const asked = async (served: { cert: string; key: string }, shown?: { cert: string; key: string }) => {
      const files = { tlsCert: served.cert, tlsKey: served.key, ...demanding };
      await using echo = await echoServer({}, files);
      return (await askOwnNode(listener(echo.address, files), "", shown)).status;
    };
    expect(await asked(node)).toBe("SERVING");
    expect(await asked(foreign)).toBe("UNREACHABLE");
    expect(await asked(foreign, probe)).toBe("SERVING");
  });
});
