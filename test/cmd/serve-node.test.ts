import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, inject, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { listeningAddress } from "../../src/local-cluster/listening-line.js";
import { Program } from "../../src/local-cluster/program.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";

expectNoLeaks();
const redis = redisForFile();

const started: Program[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.stop(0)));
});

/** Starts `toolgate serve` with flags, on this file's Redis unless told otherwise. */
function serve(flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Program {
  const program = new Program({
    name: "toolgate serve",
    entry: "cmd/toolgate.js",
    root: inject("bundledRoot"),
    args: ["serve", ...flags],
    env: { ...environment(), REDIS_URL: redis().url, TOOLGATE_LISTEN: "127.0.0.1:0", ...env },
  });
  started.push(program);
  program.start();
  return program;
}

const listening = (program: Program): Promise<string> => program.line("it listens", listeningAddress, 30_000);

test("it says where it listens, whatever the log level, and SIGTERM ends it with 0", async () => {
  const node = serve(["--log-level", "silent"]);
  expect(await listening(node)).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  const [line = ""] = node.output;
  expect(JSON.parse(line)).toMatchObject({ event: "listening", nodeId: expect.stringMatching(/^node-/) });
  node.signal("SIGTERM");
  expect(await node.ended()).toEqual({ code: 0, signal: null });
  expect(node.output).toHaveLength(1);
});

test("Ctrl-C ends it with 0 too, also while it starts", async () => {
  const node = serve();
  node.signal("SIGINT");
  const exit = await node.ended();
  // The signal can come before the program listens for it; then it ends as any program would.
  expect(exit.code === 0 || exit.signal === "SIGINT").toBe(true);

  const later = serve();
  await listening(later);
  later.signal("SIGINT");
  expect(await later.ended()).toEqual({ code: 0, signal: null });
});

describe("each fault at the start has one message, and changes nothing", () => {
  const fails = async (program: Program): Promise<{ code: number | null; text: string }> => {
    const { code } = await program.ended();
    // The number of shards, and of the formats, is agreed on before anything else, and says nothing of this node.
    const keys = await redis().client().keys("*");
    expect(keys.filter((key) => !/\}:(shards|format)$/.test(key))).toEqual([]);
    return { code, text: program.output.filter((line) => !line.startsWith("{")).join("\n") };
  };

  test("a port in use", async () => {
    const other: Server = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const taken = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const { code, text } = await fails(serve(["--listen", taken]));
    other.close();
    expect(code).toBe(2);
    expect(text).toContain(`cannot listen on ${taken}: another process listens there. Stop it, or choose another port`);
  });

  test("Redis absent", async () => {
    const { code, text } = await fails(serve(["--redis-url", "redis://:secret@127.0.0.1:1"]));
    expect(code).toBe(5);
    expect(text).toMatch(/Redis at redis:\/\/\S*127\.0\.0\.1:1\S* cannot be reached .* start it, or set REDIS_URL/);
    expect(text).not.toContain("secret");
  });

  test("bad settings, all at once", async () => {
    const flags = ["--listen", "nowhere", "--max-attempts", "0"];
    const { code, text } = await fails(serve(flags, { TOOLGATE_LEASE_MS: "soon", TOOLGATE_LISTEN: "" }));
    expect(code).toBe(2);
    expect(text).toContain("--listen");
    expect(text).toContain("--max-attempts");
    expect(text).toContain("TOOLGATE_LEASE_MS");
  });

  test("an address that others reach, without a word on who may come in", async () => {
    const { code, text } = await fails(serve(["--listen", "0.0.0.0:0"]));
    expect(code).toBe(2);
    expect(text).toMatch(/\n\s*TOOLGATE_AUTH=required\n\s*TOOLGATE_BOOTSTRAP_KEY_FILE=\S+\n/);
  });

  test("a bootstrap key file that holds no key, without what it holds", async () => {
    const folder = await mkdtemp(join(tmpdir(), "toolgate-bootstrap-"));
    const file = join(folder, "key");
    await writeFile(file, "tg_key_hunter2");
    const { code, text } = await fails(serve(["--listen", "127.0.0.1:0", "--bootstrap-key-file", file]));
    await rm(folder, { recursive: true });
    expect(code).toBe(2);
    expect(text).toContain("holds no API key");
    expect(text).not.toContain("hunter2");
  });

  test("a flag that there is not", async () => {
    const { code, text } = await fails(serve(["--lissten", "127.0.0.1:0"]));
    expect(code).toBe(2);
    expect(text).toContain("unknown option '--lissten'");
  });
});
