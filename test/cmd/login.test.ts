import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { ScriptedNode } from "../sdk/scripted-gateway.js";
import { expectNoLeaks } from "../support/leaks.js";
import { runToolgate } from "./run-toolgate.js";

/* The command line of people: who they are, by what is kept between commands. */

expectNoLeaks();

const TOKEN = "tg_session_abcdefghijkl_secretsecretsecretsecretsecretsecretsecretsecre_abcdef";
const PASSWORD = "canary-password of ann";
const CALLER = { tenant: "default", id: "ann", kind: "user", roles: ["admin"] };

let node: ScriptedNode;
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "toolgate-login-"));
  node = await ScriptedNode.start();
  node.script("login", () => ({ sessionToken: TOKEN, expiresAtMs: Date.now() + 3_600_000 }));
  node.script("whoAmI", () => CALLER);
});
afterEach(async () => {
  node.kill();
  await rm(home, { recursive: true });
});

const toolgate = (
  args: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
) => runToolgate([...args, "--nodes", node.address], { stdin: input, env: { XDG_CONFIG_HOME: home, ...env } });
const credentials = () => node.rpcs.map(({ credential }) => credential);

describe("a login", () => {
  test("is kept for its nodes, used by other commands, and ended", async () => {
    const login = await toolgate(["login", "--user", "ann"], { input: `${PASSWORD}\n` });
    expect(login).toMatchObject({ code: 0, stdout: expect.stringMatching(/^default\/ann is logged in until /) });
    expect(node.requests.all.at(-1)).toMatchObject({ request: { tenant: "", user: "ann", password: PASSWORD } });
    const [name = ""] = await readdir(join(home, "toolgate", "logins"));
    const file = join(home, "toolgate", "logins", name);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).not.toContain(PASSWORD);

    const whoami = await toolgate(["whoami"]);
    expect(whoami).toMatchObject({ code: 0, stdout: "principal  default/ann\nby         user\nroles      admin\n" });
    expect(credentials()).toEqual([undefined, `Bearer ${TOKEN}`]);
    const show = await toolgate(["context", "show"]);
    expect(show.stdout).toContain("toolgate whoami");

    await toolgate(["whoami"], { env: { TOOLGATE_KEY: "other" } });
    expect(credentials().at(-1)).toBe("Bearer other");

    expect(await toolgate(["logout"])).toMatchObject({ code: 0, stdout: "default/ann is logged out.\n" });
    expect(node.rpcs.at(-1)).toEqual({ method: "Logout", credential: `Bearer ${TOKEN}` });
    await toolgate(["whoami"]);
    expect(credentials().at(-1)).toBeUndefined();
    for (const { stdout, stderr } of [login, whoami, show]) {
      expect(stdout + stderr).not.toContain(TOKEN);
      expect(stdout + stderr).not.toContain(PASSWORD);
    }
  });

  test("that has ended is named before anything is sent, and is forgotten by logout", async () => {
    node.script("login", () => ({ sessionToken: TOKEN, expiresAtMs: 1000 }));
    await toolgate(["login", "--user", "ann"], { input: PASSWORD });
    node.rpcs.length = 0;
    const whoami = await toolgate(["whoami"]);
    expect(whoami).toMatchObject({ code: 4, stderr: expect.stringMatching(/The login of default\/ann ended at 1970/) });
    expect(node.rpcs).toEqual([]);
    node.script("logout", () => new ToolgateError("UNAUTHENTICATED", "It does not hold."));
    expect(await toolgate(["logout"])).toMatchObject({ code: 0 });
    expect(await toolgate(["whoami"])).toMatchObject({ code: 0 });
  });

  test("is refused as the node says, and nothing is kept", async () => {
    node.script("login", () => new ToolgateError("TOO_MANY_ATTEMPTS", "Too many.", { retryAfterMs: 5000 }));
    const login = await toolgate(["login", "--user", "ann"], { input: PASSWORD });
    expect(login).toMatchObject({ code: 5, stderr: expect.stringContaining("TOO_MANY_ATTEMPTS") });
    expect(await readdir(home)).toEqual([]);
    expect(await toolgate(["login", "--user", "ann"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("No password was given"),
    });
  });

  test("does not send a password in clear to another machine", async () => {
    const args = ["login", "--user", "ann", "--nodes", "10.0.0.5:7400"];
    const login = await runToolgate(args, { stdin: PASSWORD, env: { XDG_CONFIG_HOME: home } });
    expect(login).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/The password is not sent to 10\.0\.0\.5:7400/),
    });
  });
});

describe("a key file", () => {
  test("of the command line wins, and one that cannot be read is named", async () => {
    const file = join(home, "key");
    await writeFile(file, "from-file\n");
    await toolgate(["whoami", "--key-file", file], { env: { TOOLGATE_KEY: "variable" } });
    expect(credentials().at(-1)).toBe("Bearer from-file");
    const missing = await toolgate(["whoami", "--key-file", join(home, "none")]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/The key of --key-file .* no such file/) });
  });

  test("of a context goes with that context", async () => {
    const file = join(home, "key");
    await writeFile(file, "of-context");
    const env = { XDG_CONFIG_HOME: home };
    await runToolgate(["context", "set", "prod", "--nodes", node.address, "--key-file", file], { env });
    expect(await runToolgate(["whoami", "--context", "prod"], { env })).toMatchObject({ code: 0 });
    expect(credentials().at(-1)).toBe("Bearer of-context");
    await toolgate(["whoami"]);
    expect(credentials().at(-1)).toBeUndefined();
    await runToolgate(["context", "set", "prod", "--key-file", ""], { env });
    await runToolgate(["whoami", "--context", "prod"], { env });
    expect(credentials().at(-1)).toBeUndefined();
  });
});

test("a login that is refused is not told to send a key", async () => {
  node.script("login", () => new ToolgateError("UNAUTHENTICATED", "The login is refused."));
  const refused = await toolgate(["login", "--user", "ann"], { input: "wrong\n" });
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("The login is refused.") });
  expect(refused.stderr).not.toContain("TOOLGATE_KEY");
});

test("a refusal says what was sent, and what to do", async () => {
  node.script("whoAmI", () => new ToolgateError("UNAUTHENTICATED", "The credential does not hold."));
  const none = await toolgate(["whoami"]);
  expect(none).toMatchObject({ code: 4, stderr: expect.stringMatching(/No key was sent: set TOOLGATE_KEY/) });
  const wrong = await toolgate(["whoami"], { env: { TOOLGATE_KEY: "wrong-key" } });
  expect(wrong.stderr).toMatch(/What was sent is TOOLGATE_KEY\./);
  expect(wrong.stderr).not.toContain("wrong-key");
});
