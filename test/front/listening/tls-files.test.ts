import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SecureVersion } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverStream } from "../../../src/front/services/methods.js";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { CertificateAuthority, type CertificateFiles } from "../../support/certificate-authority.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { opensslWorks, selfSignedIn } from "../../support/self-signed.js";
import { until } from "../../support/until.js";
import { ask, refusal } from "../grpc/ask.js";
import { echoServer } from "../grpc/echo-server.js";
import { endOf } from "../grpc/stream-end.js";

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

/** What a client needs to be known by a certificate. */
function clientCredentials(ca: string, files?: CertificateFiles) {
  const [key, cert] = files === undefined ? [null, null] : [readFileSync(files.key), readFileSync(files.cert)];
  return credentials.createSsl(readFileSync(ca), key, cert);
}

describe.runIf(opensslWorks())("client certificates", () => {
  /** A server that asks for certificates, and authorities that it knows and does not know. */
  async function asking(
    tlsClientAuth: "request" | "require",
    more: { crl?: (authority: CertificateAuthority) => string } = {},
  ) {
    const base = mkdtempSync(join(folder, "clients-"));
    const [own, foreign] = [
      new CertificateAuthority(join(base, "own")),
      new CertificateAuthority(join(base, "foreign")),
    ];
    const server = own.issue("server");
    const access = new ScriptedAccess();
    access.byCertificate = true;
    const echo = await echoServer(
      {},
      {
        ...{ tlsCert: server.cert, tlsKey: server.key, tlsClientAuth, tlsClientCa: own.cert },
        ...(more.crl && { tlsClientCrl: more.crl(own) }),
      },
      { access },
    );
    const outcome = async (files?: CertificateFiles): Promise<string> => {
      const client = echo.client({ credentials: clientCredentials(own.cert, files) });
      return ask((cb) => client.callTool({}, cb as never)).then(
        () => "answered",
        ({ reason }) => reason,
      );
    };
    return { echo, own, foreign, access, outcome };
  }

  test.each(["request", "require"] as const)(
    "with %s, only a valid one is taken, and by it the caller is known",
    async (mode) => {
      const { echo, own, foreign, access, outcome } = await asking(mode);
      await using _ = echo;
      const good = own.issue("good", { san: "URI:spiffe://acme/agent" });
      expect(await outcome(good)).toBe("answered");
      expect(access.asked.at(-1)?.certificate).toEqual(new X509Certificate(readFileSync(good.cert)).raw);
      const asked = access.asked.length;
      expect(await outcome(foreign.issue("foreign"))).toBe("NODE_UNREACHABLE");
      expect(await outcome(own.issue("expired", { expired: true }))).toBe("NODE_UNREACHABLE");
      expect(access.asked.length, "no call came").toBe(asked);
      expect(await outcome()).toBe(mode === "require" ? "NODE_UNREACHABLE" : "UNAUTHENTICATED");
    },
  );

  test("one that is on the list of revocations is refused", async () => {
    let revoked: CertificateFiles | undefined;
    const { echo, own, outcome } = await asking("require", {
      crl: (authority) => {
        revoked = authority.issue("revoked");
        authority.revoke(revoked);
        return authority.revocations();
      },
    });
    await using _ = echo;
    expect(await outcome(own.issue("good"))).toBe("answered");
    expect(await outcome(revoked)).toBe("NODE_UNREACHABLE");
  });
});

describe.runIf(opensslWorks())("connections that are open when authorities or revocation lists change", () => {
  const open = async (tlsClientAuth: "request" | "require") => {
    const base = mkdtempSync(join(folder, "open-"));
    const [own, other] = ["own", "other"].map((name) => new CertificateAuthority(join(base, name), name)) as [
      CertificateAuthority,
      CertificateAuthority,
    ];
    const server = own.issue("server");
    const [tlsClientCa, tlsClientCrl] = [join(base, "clients.pem"), join(base, "clients.crl")];
    const put = (file: string, ...parts: string[]) => {
      const text = parts.map((part) => readFileSync(part, "utf8")).join("\n");
      writeFileSync(`${file}.next`, text);
      renameSync(`${file}.next`, file);
    };
    put(tlsClientCa, own.cert, other.cert);
    put(tlsClientCrl, own.revocations(), other.revocations());
    const access = new ScriptedAccess();
    access.byCertificate = true;
    const FollowCall = serverStream(async function* (_request, { signal }) {
      yield { deltas: [{ cursor: "1" }] };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const files = { tlsCert: server.cert, tlsKey: server.key, tlsClientAuth, tlsClientCa, tlsClientCrl };
    const echo = await echoServer({ FollowCall }, files, { access });
    /** A client that has a stream open, and makes calls all the time. */
    const client = async (certificate: CertificateFiles) => {
      const made = echo.client({ credentials: clientCredentials(own.cert, certificate) });
      const stream = made.followCall({ callId: "1" });
      const ended = endOf(stream);
      await once(stream, "data");
      stream.resume();
      const counts = { answered: 0, failed: 0 };
      const load = setInterval(() => {
        ask((cb) => made.callTool({}, cb as never)).then(
          () => counts.answered++,
          () => counts.failed++,
        );
      }, 5);
      return { ended, counts, stop: () => clearInterval(load), call: () => refusal((cb) => made.callTool({}, cb)) };
    };
    const closed = () => echo.lines.filter(({ event }) => event === "tls_clients_closed");
    return { own, other, echo, put, client, closed, tlsClientCa, tlsClientCrl };
  };

  test.each(["request", "require"] as const)(
    "are closed where theirs is refused now, and go on where it holds (%s)",
    async (mode) => {
      const { own, other, echo, put, client, closed, tlsClientCa, tlsClientCrl } = await open(mode);
      await using _ = echo;
      const files = { leaver: own.issue("leaver"), stays: own.issue("stays"), foreign: other.issue("foreign") };
      const [leaver, stays, foreign] = [
        await client(files.leaver),
        await client(files.stays),
        await client(files.foreign),
      ];
      try {
        await until("calls are answered", () => stays.counts.answered > 20);
        own.revoke(files.leaver);
        put(tlsClientCrl, own.revocations(), other.revocations());
        expect(await leaver.ended).toMatchObject({ error: { reason: "NODE_UNREACHABLE" } });
        expect(await leaver.call()).toMatchObject({ reason: "NODE_UNREACHABLE" });
        expect(closed()).toMatchObject([{ connections: 1 }]);
        expect(foreign.counts.failed).toBe(0);

        put(tlsClientCa, own.cert);
        expect(await foreign.ended).toMatchObject({ error: { reason: "NODE_UNREACHABLE" } });
        expect(await foreign.call()).toMatchObject({ reason: "NODE_UNREACHABLE" });
        const before = stays.counts.answered;
        await until("calls are answered", () => stays.counts.answered > before + 20);
        expect(stays.counts.failed).toBe(0);
        expect(closed()).toMatchObject([{ connections: 1 }, { connections: 1 }]);
      } finally {
        for (const one of [leaver, stays, foreign]) one.stop();
      }
    },
  );
});

describe.runIf(opensslWorks())("files that change", () => {
  /** Files as a mounted secret has them: links into a folder that a link is swapped to. */
  function mounted(files: { tlsCert: string; tlsKey: string }) {
    const base = mkdtempSync(join(folder, "mounted-"));
    let version = 0;
    const put = (cert: string, key: string): void => {
      const data = `v${++version}`;
      mkdirSync(join(base, data));
      copyFileSync(cert, join(base, data, "tls.crt"));
      copyFileSync(key, join(base, data, "tls.key"));
      symlinkSync(data, join(base, "..next"));
      renameSync(join(base, "..next"), join(base, "..data"));
    };
    put(files.tlsCert, files.tlsKey);
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(base, name));
    return { tlsCert: join(base, "tls.crt"), tlsKey: join(base, "tls.key"), put };
  }

  test("are taken over by new connections, while calls go on over the open ones", async () => {
    const [first, second] = [selfSigned("first"), selfSigned("second")];
    const { put, ...files } = mounted(first);
    await using echo = await echoServer({}, files);
    const over = (trusted: string) => echo.client({ credentials: credentials.createSsl(readFileSync(trusted)) });
    const open = over(first.tlsCert);
    let [answered, failed] = [0, 0];
    const load = setInterval(() => {
      ask((cb) => open.callTool({}, cb as never)).then(
        () => answered++,
        () => failed++,
      );
    }, 5);
    try {
      await until("calls are answered", () => answered > 20);
      put(second.tlsCert, second.tlsKey);
      await until("it is taken over", () => echo.lines.some(({ event }) => event === "tls_reloaded"));
      await ask((cb) => over(second.tlsCert).callTool({}, cb as never));
      expect((await refusal((cb) => over(first.tlsCert).callTool({}, cb))).reason).toBe("NODE_UNREACHABLE");
      const before = answered;
      await until("calls are answered", () => answered > before + 20);
    } finally {
      clearInterval(load);
    }
    expect(failed).toBe(0);
  });

  test("and cannot be used are said, and the former ones stay in use", async () => {
    const [first, second, third] = [selfSigned("former"), selfSigned("mixed"), selfSigned("later")];
    const { put, ...files } = mounted(first);
    await using echo = await echoServer({}, files);
    const call = (trusted: string) =>
      ask((cb) => echo.client({ credentials: credentials.createSsl(readFileSync(trusted)) }).callTool({}, cb as never));
    put(second.tlsCert, first.tlsKey);
    await until("it is said", () => echo.lines.some(({ event }) => event === "tls_reload_failed"));
    expect(JSON.stringify(echo.lines)).toContain("is not the key of the certificate");
    expect(JSON.stringify(echo.lines)).not.toContain("PRIVATE KEY");
    await call(first.tlsCert);
    put(third.tlsCert, third.tlsKey);
    await until("it is taken over", () => echo.lines.some(({ event }) => event === "tls_reloaded"));
    await call(third.tlsCert);
  });
});
