import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { environment } from "../../src/config/environment.js";
import { localKeyFile } from "../../src/config/local-key-file.js";
import { type ConnectionOptions, connect, serveToolset, ToolgateError } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { registration, ScriptedNode } from "./scripted-gateway.js";

/*
 * What a client sends to prove who it is. The node takes one key at a time, and refuses all others as a real one does.
 */

expectNoLeaks();

const REFUSED = new ToolgateError("UNAUTHENTICATED", "The credential does not hold.");
let node: ScriptedNode;
let folder: string;
let warnings: string[];
const onWarning = (warning: Error): number => warnings.push(warning.message);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-credentials-"));
  vi.stubEnv("TOOLGATE_KEY", "");
  vi.stubEnv("TOOLGATE_KEY_FILE", "");
  vi.stubEnv("XDG_CONFIG_HOME", folder);
  node = await ScriptedNode.start();
  warnings = [];
  process.on("warning", onWarning);
});

afterEach(async () => {
  process.off("warning", onWarning);
  node.kill();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** What came with each RPC, in order. */
function credentials(): (string | undefined)[] {
  return node.rpcs.map(({ credential }) => credential);
}

/** What the node is sent by a unary request. */
async function sent(options: ConnectionOptions = {}): Promise<string | undefined> {
  await using client = await connect(node.address, options);
  await client.damaged();
  return credentials().at(-1);
}

async function keyFile(text: string, mode = 0o600): Promise<string> {
  const path = localKeyFile(node.address, environment()) ?? "";
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
}

describe("where the credential comes from", () => {
  test("nothing is sent where there is none", async () => {
    expect(await sent()).toBeUndefined();
  });

  test("the option wins over TOOLGATE_KEY, that over TOOLGATE_KEY_FILE, and that over this machine's key file", async () => {
    await keyFile("local\n");
    expect(await sent()).toBe("Bearer local");
    const named = join(folder, "named");
    await writeFile(named, "named\n", { mode: 0o644 }); // as secrets are mounted
    vi.stubEnv("TOOLGATE_KEY_FILE", named);
    expect(await sent()).toBe("Bearer named");
    vi.stubEnv("TOOLGATE_KEY", "variable");
    expect(await sent()).toBe("Bearer variable");
    expect(await sent({ key: "option" })).toBe("Bearer option");
    expect(await sent({ key: async () => "function" })).toBe("Bearer function");
  });

  test("a key file of this machine that others may read is not used, and that is said", async () => {
    await keyFile("local", 0o640);
    expect(await sent()).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/other users have rights to it; chmod 600/)]);
    expect(warnings.join()).not.toContain("Bearer");
  });

  test.each([
    ["a key file that is not there", { TOOLGATE_KEY_FILE: "/nowhere/key" }, /TOOLGATE_KEY_FILE.*no such file/],
    ["a folder", { TOOLGATE_KEY_FILE: tmpdir() }, /it is no file/],
    ["a key with a line's end in it", { TOOLGATE_KEY: "one\ntwo" }, /TOOLGATE_KEY holds no key/],
  ])("%s is refused before anything is sent", async (_, env, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const error = await connect(node.address).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "INVALID_CONFIG", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("two");
    expect(node.requests.all).toEqual([]);
  });
});

describe("a network that others are on", () => {
  test.each(["gateway.example:7400", "10.0.0.5:7400", "127.0.0.1:7400,[2001:db8::1]:7400"])(
    "a key is not sent in clear to %s",
    async (address) => {
      const error = await connect(address, { key: "tg_key_secret" }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: "INVALID_CONFIG", message: expect.stringContaining("insecureKey") });
      expect(String(error)).not.toContain("tg_key_secret");
    },
  );

  test("it is where that was asked for, or the connection has TLS", async () => {
    const quick = { key: "k", connectTimeoutMs: 50 };
    for (const more of [{ insecureKey: true }, { tls: true }]) {
      const error = await connect("192.0.2.1:7400", { ...quick, ...more }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: "NODE_UNREACHABLE" });
    }
  });
});

describe("what carries it", () => {
  test("requests, sessions, follows, watches and providers do", async () => {
    await using client = await connect(node.address, { key: "k" });
    const stop = new AbortController();
    const { signal } = stop;
    const read = async (events: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of events);
    };
    const streams = [
      client.invoke("t", "x", {}, { signal }),
      read(client.watch({ signal })),
      read(client.follow("c", { signal })),
    ].map((one) => one.catch(() => {}));
    await Promise.all([node.sessions.next(), node.watches.next(), node.follows.next()]);
    node.onAttachment = (attachment) => {
      attachment.welcome();
      attachment.send({ ready: {} });
    };
    const toolset = { name: "t", version: "1.0.0", description: "T", tools: { x: { payload: {}, run: () => 1 } } };
    const provider = await serveToolset(toolset, { nodes: node.address, key: "k" });
    await provider.stop();
    stop.abort();
    await Promise.all(streams);
    const methods = [...new Set(node.rpcs.map(({ method }) => method))];
    expect(methods).toEqual(
      expect.arrayContaining(["Attach", "FollowCall", "Register", "Release", "Session", "Watch"]),
    );
    expect(new Set(credentials())).toEqual(new Set(["Bearer k"]));
  });
});

describe("a key that is refused", () => {
  test("says what was sent and what to do, and is sent once where it cannot change", async () => {
    node.script("listToolsets", () => REFUSED);
    await using none = await connect(node.address);
    await expect(none.damaged()).rejects.toMatchObject({
      reason: "UNAUTHENTICATED",
      message: expect.stringMatching(/No key was sent: set TOOLGATE_KEY .*toolgate access key create/),
    });
    node.rpcs.length = 0;
    await using wrong = await connect(node.address, { key: "wrong" });
    const error = await wrong.damaged().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringMatching(/What was sent is the option key\./) });
    expect(node.rpcs).toHaveLength(1);
  });

  test("is asked for anew once where a function gives it, by all requests together", async () => {
    let given = 0;
    node.script("listToolsets", () => (credentials().at(-1) === "Bearer 2" ? {} : REFUSED));
    await using client = await connect(node.address, { key: () => String(++given) });
    await Promise.all([client.damaged(), client.damaged(), client.damaged()]);
    expect(given).toBe(2);
    node.script("listToolsets", () => REFUSED);
    await expect(client.damaged()).rejects.toMatchObject({ reason: "UNAUTHENTICATED" });
    expect(given).toBe(3);
  });

  test("is asked for anew by sessions, follows and watches", async () => {
    let given = 0;
    await using client = await connect(node.address, { key: () => String(++given) });
    const stop = new AbortController();
    const call = client.invoke("t", "x", {});
    const refused = await node.sessions.next();
    await refused.calls.next();
    refused.fail(REFUSED);
    const session = await node.sessions.next();
    const { ref } = await session.calls.next();
    session.result(ref, "done");
    await expect(call).resolves.toBe("done");
    expect(credentials().at(-1)).toBe("Bearer 2");

    const watching = (async () => {
      for await (const _ of client.watch({ signal: stop.signal }));
    })().catch(() => {});
    (await node.watches.next()).fail(REFUSED);
    await node.watches.next();
    expect(credentials().at(-1)).toBe("Bearer 3");
    stop.abort();
    await watching;
  });

  test("is read from its file again: whoever rotates it restarts nobody", async () => {
    const path = join(folder, "key");
    await writeFile(path, "old");
    vi.stubEnv("TOOLGATE_KEY_FILE", path);
    await using client = await connect(node.address);
    await client.damaged();
    node.script("listToolsets", () => (credentials().at(-1) === "Bearer new" ? {} : REFUSED));
    await writeFile(path, "new");
    await client.damaged();
    expect(credentials()).toEqual(["Bearer old", "Bearer old", "Bearer new"]);
  });

  test("makes a provider fail at its start, and wait for another one once it was served", async () => {
    const toolset = { name: "t", version: "1.0.0", description: "T", tools: { x: { payload: {}, run: () => 1 } } };
    node.script("register", () => REFUSED);
    const options = { nodes: node.address, key: () => "k" };
    await expect(serveToolset(toolset, options)).rejects.toMatchObject({ reason: "UNAUTHENTICATED" });

    node.script("register", () => registration());
    let refusals = 0;
    node.onAttachment = (attachment) => {
      if (credentials().at(-1) !== "Bearer late" && refusals > 0) {
        refusals += 1;
        attachment.fail(REFUSED);
        return;
      }
      attachment.welcome();
      attachment.send({ ready: {} });
      if (refusals === 0) {
        refusals = 1;
        attachment.fail(REFUSED);
      } else served.resolve();
    };
    const served = deferred<void>();
    const provider = await serveToolset(toolset, { ...options, key: () => (refusals > 3 ? "late" : "k") });
    await served.promise;
    expect(refusals).toBe(4);
    await provider.stop();
  });
});

describe("what the caller may see changes", () => {
  test("a watch begins anew with a snapshot", async () => {
    await using client = await connect(node.address);
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { kind } of client.watch({ signal: stop.signal })) seen.push(kind);
    })().catch(() => {});
    const first = await node.watches.next();
    first.send({ revision: "r1", snapshot: { toolsets: [] } });
    first.fail(new ToolgateError("ACCESS_CHANGED", "What may be seen has changed."));
    const second = await node.watches.next();
    expect(second.request.revision).toBe("");
    stop.abort();
    await watching;
  });
});
