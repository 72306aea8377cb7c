import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SecureVersion } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverStream } from "../../../src/front/grpc/methods.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { opensslWorks, selfSignedIn } from "../../support/self-signed.js";
import { ask, refusal } from "./ask.js";
import { echoServer } from "./echo-server.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toolgate-tls-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const selfSigned = (name: string, days?: number) => selfSignedIn(folder, name, days);

describe.runIf(opensslWorks())("TLS", () => {
  test("serves who trusts the certificate, and nobody without TLS", async () => {
    const files = selfSigned("good");
    await using echo = await echoServer({}, files);
    const trusting = echo.client({ credentials: credentials.createSsl(readFileSync(files.tlsCert)) });
    await ask((cb) => trusting.callTool({}, cb as never));
    const distrusting = echo.client({ credentials: credentials.createSsl() });
    expect((await refusal((cb) => distrusting.callTool({}, cb))).reason).toBe("NODE_UNREACHABLE");
    expect((await refusal((cb) => echo.client().callTool({}, cb))).reason).toBe("NODE_UNREACHABLE");
    expect(echo.lines).toEqual([]);
  });

  test.each([
    ["TLSv1.1", false],
    ["TLSv1.2", true],
    ["TLSv1.3", true],
  ] as const)("speaks %s: %s", async (version: SecureVersion, spoken) => {
    const files = selfSigned(version);
    await using echo = await echoServer({}, files);
    const socket = connect({
      host: "127.0.0.1",
      port: Number(echo.address.split(":")[1]),
      ca: readFileSync(files.tlsCert),
      ALPNProtocols: ["h2"],
      minVersion: version,
      maxVersion: version,
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const outcome = await new Promise((resolve) => {
      socket.once("secureConnect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    expect(outcome).toBe(spoken);
  });

  test("a stop is heard through it", async () => {
    const files = selfSigned("stop");
    const FollowCall = serverStream(async function* (_request, { signal }) {
      yield { deltas: [{ cursor: "1" }] };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield { deltas: [{ cursor: "2" }] };
    });
    await using echo = await echoServer({ FollowCall }, files);
    const stream = echo.client({ credentials: credentials.createSsl(readFileSync(files.tlsCert)) }).followCall({});
    const end = endOf(stream);
    await once(stream, "data");
    await echo.server.stop(60_000);
    const { messages, error } = await end;
    expect(messages).toHaveLength(2);
    expect(error).toMatchObject({ reason: "NODE_DRAINING" });
  });

  test("a certificate that ends soon is warned of", async () => {
    await using echo = await echoServer({}, selfSigned("short", 3));
    expect(echo.lines).toEqual([expect.objectContaining({ event: "tls_certificate_expires", level: "warn" })]);
  });

  const cases: [string, () => { tlsCert: string; tlsKey: string }, RegExp][] = [
    [
      "a file that is not there",
      () => ({ ...selfSigned("a"), tlsCert: join(folder, "nowhere.pem") }),
      /^TOOLGATE_TLS_CERT \(--tls-cert\): cannot read .*nowhere\.pem \(ENOENT\)/,
    ],
    [
      "a folder",
      () => ({ ...selfSigned("b"), tlsKey: folder }),
      /^TOOLGATE_TLS_KEY \(--tls-key\): cannot read .* \(EISDIR\)/,
    ],
    [
      "a file without a certificate",
      () => {
        const files = selfSigned("c");
        writeFileSync(files.tlsCert, "hello");
        return files;
      },
      /holds no certificate in PEM form/,
    ],
    [
      "a file without a key",
      () => {
        const files = selfSigned("d");
        writeFileSync(files.tlsKey, "hello");
        return files;
      },
      /holds no private key in PEM form/,
    ],
    [
      "another certificate's key",
      () => ({ ...selfSigned("e"), tlsKey: selfSigned("f").tlsKey }),
      /is not the key of the certificate/,
    ],
  ];
  test.each(cases)("%s is refused by name", async (_, files, message) => {
    await expect(echoServer({}, files())).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });
});
