import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { runToolgate } from "./run-toolgate.js";

/* From an open registry to a closed one and on, by the command line, against a real node. */

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-access-"));
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 1, config: { auth: "required" } });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function toolgate(args: readonly string[], { key = "admin.key", stdin = "" } = {}) {
  const env = { XDG_CONFIG_HOME: folder, TOOLGATE_NODES: cluster.nodes, TOOLGATE_KEY_FILE: join(folder, key) };
  return await runToolgate(args, { env, stdin, cwd: folder });
}

test("access init makes the first administrator, another one by force only, and files of their owner alone", async () => {
  const init = (...more: string[]) =>
    runToolgate(["access", "init", "--redis-url", redis.url, ...more], {
      cwd: folder,
      // As in the image, where a node without a key would not start.
      env: { XDG_CONFIG_HOME: folder, TOOLGATE_LISTEN: "0.0.0.0:7400" },
    });
  expect(await init("-o", "admin.key")).toMatchObject({ code: 0, stdout: "" });
  expect((await stat(join(folder, "admin.key"))).mode & 0o777).toBe(0o600);
  expect(await init("other")).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--force") });
  const rescue = await init("rescue", "--force", "--ttl", "1h");
  expect(rescue).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tg_key_\S+\n$/) });
  const whoami = await toolgate(["whoami", "--json"]);
  expect(JSON.parse(whoami.stdout)).toMatchObject({
    tenant: "default",
    id: "admin",
    roles: ["admin", "cluster-admin"],
  });
});

describe("an administrator", () => {
  test("makes a tenant and a key of its own, and revokes it", async () => {
    expect(await toolgate(["access", "tenant", "create", "acme"])).toMatchObject({ code: 0 });
    const create = ["access", "key", "create", "robot", "--tenant", "acme", "--role", "agent", "-o", "robot.key"];
    expect(await toolgate(create)).toMatchObject({ code: 0 });
    const secret = (await readFile(join(folder, "robot.key"), "utf8")).trim();
    const whoami = await toolgate(["whoami"], { key: "robot.key" });
    expect(whoami.stdout).toContain("acme/robot");
    const list = await toolgate(["access", "key", "list", "--tenant", "acme"]);
    expect(list.stdout).toMatch(/^robot +[a-z0-9]{12} +never +\S+ +agent$/m);
    expect(list.stdout).not.toContain(secret);
    expect(await toolgate(["access", "list"], { key: "robot.key" })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("FORBIDDEN"),
    });
    expect(await toolgate(["access", "key", "revoke", "robot", "--tenant", "acme"])).toMatchObject({ code: 0 });
    await expect.poll(async () => (await toolgate(["whoami"], { key: "robot.key" })).code, { timeout: 20_000 }).toBe(4);
  }, 60_000);

  test("makes no key that would be lost or let nobody in", async () => {
    const create = (...more: string[]) => toolgate(["access", "key", "create", "lost", "--role", "agent", ...more]);
    const unwritable = await create("-o", join("admin.key", "lost.key"));
    expect(unwritable).toMatchObject({ code: 2, stderr: expect.stringContaining("Nothing was made") });
    const init = ["access", "init", "lost", "--force", "--redis-url", redis.url, "-o", "."];
    expect(await toolgate(init)).toMatchObject({ code: 2, stderr: expect.stringContaining("it is a folder") });
    const nowhere = await create("--tenant", "nowhere");
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining("tenant list") });
    expect((await toolgate(["access", "key", "list"])).stdout).not.toContain("lost");
  }, 60_000);

  test("edits the roles of a key and of a person as documents, and what is never shown stays", async () => {
    await toolgate(["access", "key", "create", "ci", "--role", "agent", "-o", "ci.key"]);
    const password = { stdin: "canary-password of ann\n" };
    expect(await toolgate(["access", "user", "set-password", "ann", "--role", "agent"], password)).toMatchObject({
      code: 0,
    });
    for (const [kind, name] of [
      ["key", "ci"],
      ["user", "ann"],
    ] as const) {
      const shown = (await toolgate(["access", "get", kind, name])).stdout;
      expect(shown).not.toMatch(/hash|password/);
      const again = await toolgate(["access", "apply", "-f", "-"], { stdin: shown });
      expect(again.stdout).toMatch(/^unchanged/);
      const edited = await toolgate(["access", "apply", "-f", "-"], { stdin: shown.replace("- agent", "- auditor") });
      expect(edited).toMatchObject({ code: 0, stdout: expect.stringContaining("changed /roles/0") });
    }
    const whoami = await toolgate(["whoami", "--json"], { key: "ci.key" });
    expect(JSON.parse(whoami.stdout)).toMatchObject({ id: "ci", roles: ["auditor"] });
    expect(await toolgate(["login", "--user", "ann"], password)).toMatchObject({ code: 0 });
    expect(await toolgate(["logout"])).toMatchObject({ code: 0 });
  }, 60_000);

  test("applies documents from files, sees what they change, and takes them back", async () => {
    const role = (tools: string) =>
      `kind: role\nname: reader\nspec:\n  rules:\n    - { verbs: [call], toolsets: [files], tools: ["${tools}"] }\n` +
      `  tests:\n    - { verb: call, toolset: files, tool: read_file, expect: allow }\n`;
    await writeFile(join(folder, "reader.yaml"), role("read_*"));
    expect(await toolgate(["policy", "test", "-f", "reader.yaml"])).toMatchObject({ code: 0 });
    expect((await toolgate(["access", "diff", "-f", "reader.yaml"])).stdout).toMatch(
      /^created +role default\/reader$/m,
    );
    const applied = await toolgate(["access", "apply", "-f", "reader.yaml", "--reason", "readers", "--json"]);
    const { revision } = JSON.parse(applied.stdout) as { revision: number };
    await writeFile(join(folder, "reader.yaml"), role("list_*"));
    expect(await toolgate(["policy", "test", "-f", "reader.yaml"])).toMatchObject({ code: 4 });
    expect((await toolgate(["access", "apply", "-f", "reader.yaml"])).stdout).toContain("changed /rules/0/tools/0");
    const rollback = await toolgate(["access", "rollback", "role", "reader", "--to", String(revision)]);
    expect(rollback).toMatchObject({ code: 0 });
    const exported = await toolgate(["access", "export", "role"]);
    expect(exported.stdout).toContain("read_*");
    expect((await toolgate(["access", "apply", "-f", "-"], { stdin: exported.stdout })).stdout).toMatch(/^unchanged/);
    expect((await toolgate(["access", "history", "role", "reader"])).stdout).toContain("readers");
  }, 60_000);

  test.each([
    ["kind: role\nname: x\nspecs: {}", /has a member "specs"/],
    ["kind: role\nname: x", /it has no spec/],
    ["- 1", /it is no object/],
    ["a: [", /it is no YAML/],
    ["kind: role\nname: x\nspec: {}\n---\nkind: role\nname: x\nspec: {}", /stands in .* too/],
  ])("is told what is wrong with %j", async (text, fault) => {
    const applied = await toolgate(["access", "apply", "-f", "-"], { stdin: text });
    expect(applied).toMatchObject({ code: 2, stderr: expect.stringMatching(fault) });
  });

  test("cannot lock everybody out without saying so", async () => {
    await toolgate(["access", "remove", "key", "rescue"]);
    const removed = await toolgate(["access", "remove", "key", "admin"]);
    expect(removed).toMatchObject({ code: 2, stderr: expect.stringContaining("INVALID_DOCUMENT") });
  });

  test("is told why a call would not be admitted, and by the exit status of which kind that is", async () => {
    const explained = await toolgate(["explain", "call", "nothing", "here"]);
    expect(explained).toMatchObject({ code: 12, stdout: expect.stringContaining("UNKNOWN_TOOLSET") });
  });

  test("reads the audit", async () => {
    const query = await toolgate(["audit", "query", "--event", "change", "--limit", "3"]);
    expect(query).toMatchObject({ code: 0, stdout: expect.stringMatching(/change {3}default\/\S+ {2}administer/) });
    expect(await toolgate(["audit", "verify"])).toMatchObject({ code: 0, stdout: expect.stringContaining("0 faults") });
  });

  test("finds in it who was not let in", async () => {
    await writeFile(join(folder, "wrong.key"), "no-key\n");
    expect(await toolgate(["whoami"], { key: "wrong.key" })).toMatchObject({ code: 4 });
    const refused = async () => (await toolgate(["audit", "query", "--outcome", "refused"])).stdout;
    await expect.poll(refused, { timeout: 20_000 }).toContain("UNAUTHENTICATED");
  }, 60_000);

  test("finds in it nothing of health checks", async () => {
    const refusals = async (since: number) => {
      const { stdout } = await toolgate(["audit", "query", "--outcome", "refused", "--json"]);
      const all = stdout.split("\n").filter((line) => line !== "");
      return all.map((line) => Date.parse((JSON.parse(line) as { at: string }).at)).filter((at) => at >= since);
    };
    const startedAt = Date.now();
    const env = { XDG_CONFIG_HOME: folder, TOOLGATE_LISTEN: cluster.nodes };
    expect(await runToolgate(["health"], { env })).toMatchObject({ code: 0 });
    const checkedAt = Date.now();
    // What is refused next is in the audit: so whatever the check had left there before it would be, too.
    expect(await toolgate(["whoami"], { key: "wrong.key" })).toMatchObject({ code: 4 });
    await expect.poll(() => refusals(checkedAt), { timeout: 20_000 }).not.toEqual([]);
    expect((await refusals(startedAt)).filter((at) => at < checkedAt)).toEqual([]);
  }, 60_000);
});

test("doctor without a credential looks at the rest, and says how to give one; a wrong one is a fault", async () => {
  const doctor = async (env: Record<string, string>) => {
    const { code, stdout } = await runToolgate(
      ["doctor", "--nodes", cluster.nodes, "--redis-url", redis.url, "--json"],
      {
        cwd: folder,
        env: { XDG_CONFIG_HOME: folder, ...env },
      },
    );
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; remedy?: string }[] };
    const of = (name: string) => checks.find((check) => check.name === name);
    return { code, of, failed: checks.filter(({ status }) => status === "fail").map(({ name }) => name) };
  };
  const none = await doctor({});
  expect(none).toMatchObject({ code: 0, failed: [] });
  expect(none.of("access")).toMatchObject({ status: "warn", remedy: expect.stringContaining("TOOLGATE_KEY_FILE") });
  expect(none.of("Redis persistence")).toBeDefined();
  expect(none.of("toolsets")).toBeUndefined();

  const known = await doctor({ TOOLGATE_KEY_FILE: join(folder, "admin.key") });
  expect(known).toMatchObject({ code: 0, failed: [] });
  expect(known.of("access")).toMatchObject({ status: "ok", finding: "as default/admin, by key" });
  expect(known.of("toolsets")).toMatchObject({ status: "ok" });

  expect(await doctor({ TOOLGATE_KEY: "no-key" })).toMatchObject({ code: 5, failed: ["access"] });
}, 60_000);
