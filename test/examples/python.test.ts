import { chmod } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localKeyFile } from "../../src/config/local-key-file.js";
import { connect, type Toolgate } from "../../src/index.js";
import { FAST } from "../cluster/fast.js";
import { type ClosedCluster, publishKey, startClosedCluster } from "../support/closed-cluster.js";
import { copyExamples, type ExamplesCopy, requirementsOf, saidOutput, startExample } from "../support/examples.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import type { Running } from "../support/start-program.js";
import { hasLanguage, pythonWith, SET_UP_MS } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

describe.skipIf(!hasLanguage("python", "the examples in Python"))(
  "a provider in Python, made from the proto files",
  () => {
    let python: string;
    let examples: ExamplesCopy;
    let redis: TestRedis;
    let cluster: ClosedCluster;
    let client: Toolgate;
    let provider: Running;

    beforeAll(async () => {
      python = await pythonWith("provider", await requirementsOf("python"));
      examples = await copyExamples();
      await examples.run("examples/python/README.md", "stubs", { path: [dirname(python)] });
      await examples.run("docs/clients.md", "python stubs", { path: [dirname(python)] });
      redis = await privateRedis();
      cluster = await startClosedCluster({
        redis,
        nodes: 2,
        config: { ...FAST, leaseMs: 15_000, claimLeaseOnceMs: 15_000 },
      });
      await publishKey(cluster, examples.folder);
      provider = startExample("python", "provider", { ...options(), nodes: cluster.nodes });
      // The provider is at the first node, as long as that is there.
      client = await connect(cluster.addresses[1] ?? "", { key: cluster.adminKey });
      await until("it serves", async () => (await client.get("words")).healthy, { withinMs: 30_000 });
    }, SET_UP_MS);

    afterAll(async () => {
      provider?.signal("SIGKILL");
      await provider?.ended;
      await client?.close();
      await cluster?.stop();
      await redis?.stop();
      await examples?.remove();
    });

    const options = () => ({ ...withKey(), folder: examples.folder, path: [dirname(python)] });
    const withKey = () => ({ env: { XDG_CONFIG_HOME: examples.folder } });
    const spell = (text: string, pauseS: number, more = {}) =>
      client.invoke("words", "spell", { text, pause_s: pauseS }, { wait: true, ...more });

    test("the agent prints what the page says", async () => {
      const agent = await startExample("python", "agent", { ...options(), nodes: cluster.nodes }).ended;
      expect(agent).toMatchObject({ code: 0, stdout: saidOutput("python"), stderr: "" });
    });

    test("a key is sent to no other machine, and read from no file that others can read", async () => {
      const agent = (nodes: string, env: Record<string, string>) =>
        startExample("python", "agent", { ...options(), nodes, env: { ...withKey().env, ...env } }).ended;
      const elsewhere = await agent("192.0.2.1:7400", { TOOLGATE_KEY: "secret" });
      expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("TOOLGATE_KEY is not sent") });
      expect(elsewhere.stderr).not.toContain("secret");
      const file = localKeyFile(cluster.addresses[0] ?? "", withKey().env) ?? "";
      await chmod(file, 0o640);
      const open = await agent(cluster.addresses[0] ?? "", {});
      await chmod(file, 0o600);
      expect(open).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/is not used: other users[\s\S]*UNAUTHENTICATED/),
      });
    });

    test("a provider in JavaScript is a replica of it", async () => {
      const { epoch } = await client.get("words");
      const replica = startExample("javascript", "provider", { ...withKey(), nodes: cluster.nodes });
      try {
        await replica.says(new RegExp(`^serving words, epoch ${epoch}$`, "m"));
      } finally {
        replica.signal("SIGTERM");
        await replica.ended;
      }
    });

    test("shows its contract, and serves calls", async () => {
      const { tools, version } = await client.get("words");
      expect(version).toBe("1.0.0");
      expect(tools.map(({ name, delivery }) => [name, delivery])).toEqual([
        ["count_words", "idempotent"],
        ["spell", "once"],
      ]);
      const calls = Array.from({ length: 50 }, (_, words) =>
        client.invoke("words", "count_words", { text: "word ".repeat(words + 1) }),
      );
      expect(await Promise.all(calls)).toEqual(calls.map((_, words) => ({ words: words + 1, different: 1 })));
      await expect(client.invoke("words", "count_words", { text: 7 })).rejects.toMatchObject({
        reason: "INVALID_PAYLOAD",
      });
    });

    test("reports a tool's own failure", async () => {
      await expect(client.invoke("words", "count_words", { text: " " })).rejects.toMatchObject({
        kind: "tool_error",
        reason: "NO_WORDS",
        message: "there is no word in the text",
        executed: "yes",
      });
    });

    test("streams output in order, and stops when it is cancelled", async () => {
      const letters: unknown[] = [];
      expect(await spell("abc", 0, { onDelta: (delta: unknown) => letters.push(delta) })).toEqual({ letters: 3 });
      expect(letters).toEqual([{ letter: "a" }, { letter: "b" }, { letter: "c" }]);

      const { callId } = await client.call("words", "spell", { text: "never", pause_s: 60 });
      for await (const event of client.follow(callId)) {
        if (event.kind === "delta") await client.cancel(callId);
        else expect(event.terminal.kind).toBe("cancelled");
      }
    });

    test("goes on elsewhere with what it has in hand when its node stands still, and when it is killed", async () => {
      const [first, second] = cluster.addresses;
      const during = async (fault: () => Promise<void>): Promise<unknown> => {
        let struck: Promise<void> | undefined;
        const onDelta = (): void => {
          struck ??= fault();
        };
        const result = await spell("ab", 1.5, { onDelta });
        await struck;
        return result;
      };
      // Nothing is heard of it, though its connection is open.
      expect(await during(() => cluster.kill(0, "SIGSTOP"))).toEqual({ letters: 2 });
      expect(provider.stderr()).toContain(`${first}: nothing is heard of it`);
      await cluster.kill(0, "SIGCONT");
      await cluster.restart(0);

      await client.close();
      client = await connect(first ?? "", { key: cluster.adminKey });
      expect(await during(() => cluster.kill(1))).toEqual({ letters: 2 });
      expect(provider.stderr()).toContain(`WARNING ${second}: `);
      await cluster.restart(1);
    });

    test("finishes what it has in hand when it is stopped, and hands its lease back", async () => {
      const stopped = spell("ab", 0.5, { onDelta: () => provider.signal("SIGTERM") });
      expect(await stopped).toEqual({ letters: 2 });
      const { code, stderr } = await provider.ended;
      expect(code, stderr).toBe(0);
      expect(stderr).not.toContain("Traceback");
      await until("it is not healthy any more", async () => !(await client.get("words")).healthy);
    });
  },
);
