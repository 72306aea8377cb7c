import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../cmd/command-line.js";
import { candidatesFor, shellSafe } from "../../cmd/completion/candidates.js";
import { SCRIPTS, SHELLS } from "../../cmd/completion/scripts.js";
import { splitLine } from "../../cmd/completion/split-line.js";
import { contextFile, writeContexts } from "../../cmd/contexts/context-file.js";
import { environment } from "../../src/config/environment.js";
import { type Provider, serveToolset, Type } from "../../src/index.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { builtProgram } from "../../src/local-cluster/package-root.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

const values = async (...words: string[]): Promise<string[]> =>
  (await candidatesFor(words, (args) => buildProgram(args))).map(({ value }) => value);

test.each([
  ["toolgate ca", ["toolgate", "ca"]],
  ["toolgate call ", ["toolgate", "call", ""]],
  ["toolgate  call 'a b", ["toolgate", "call", "a b"]],
  ['toolgate "a\\"b" c\\ d', ["toolgate", 'a"b', "c d"]],
  ["toolgate '' x", ["toolgate", "", "x"]],
])("%j is split as a shell does", (line, words) => {
  expect(splitLine(line)).toEqual(words);
});

describe("without a cluster", () => {
  test("commands, and their commands, but none that are hidden", async () => {
    expect(await values("ca")).toEqual(["call", "calls"]);
    expect(await values("comp")).toEqual(["completion"]);
    expect(await values("calls", "")).toEqual(["list", "get", "follow", "cancel", "help"]);
    expect(await values("help", "unr")).toEqual(["unregister"]);
    expect(await values("--nodes", "a:1", "wat")).toEqual(["watch"]);
  });

  test("options, and the words that they take", async () => {
    expect(await values("list", "--h")).toEqual(["--health", "--help"]);
    expect(await values("list", "--health", "un")).toEqual(["unhealthy"]);
    expect(await values("calls", "list", "--state", "")).toEqual(["queued", "claimed", "ended"]);
    expect(await values("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await values("serve", "--redis")).toEqual(["--redis-url"]);
  });

  test("nothing where anything may stand, or options are over", async () => {
    expect(await values("search", "x")).toEqual([]);
    expect(await values("mount", "--name", "")).toEqual([]);
    expect(await values("mount", "--name", "x", "--", "--")).toEqual([]);
    expect(await values("nonsense", "x", "")).toEqual([]);
  });

  test("a cluster that is away is no error, and costs little time", async () => {
    const answer = await runToolgate(["complete", "--", "get", ""], {
      env: { TOOLGATE_NODES: `127.0.0.1:${await freePort()}` },
    });
    expect(answer).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    expect(await runToolgate(["complete", "--", "get", ""], { env: { TOOLGATE_NODES: "?" } })).toEqual(answer);
  });

  test("of what a cluster says nothing is offered that a shell takes for more than a word", () => {
    const said = [
      "text.v2",
      "a/b-c_d",
      "path=",
      "$(id)",
      "a;b",
      "`id`",
      "a b",
      "a\nb",
      "-rf",
      "--nodes=",
      "~",
      "a'",
      "",
      "=",
    ];
    const offered = shellSafe(said.map((value) => ({ value, description: "" })));
    expect(offered.map(({ value }) => value)).toEqual(["text.v2", "a/b-c_d", "path="]);
  });

  test("an unknown shell is wrong use", async () => {
    expect(await runToolgate(["completion", "csh"])).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("in a shell, on a cluster", () => {
  let folder = "";
  let redis: TestRedis;
  let cluster: Cluster;
  let provider: Provider;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "toolgate-completion-"));
    const program = join(folder, "bin", "toolgate");
    await mkdir(join(folder, "bin"));
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${builtProgram("cmd/toolgate.js")}" "$@"\n`);
    await chmod(program, 0o755);
    for (const shell of SHELLS) await writeFile(join(folder, shell), SCRIPTS[shell]);
    await writeContexts(contextFile({ XDG_CONFIG_HOME: folder }), {
      current: undefined,
      contexts: new Map([["production", { nodes: "a:1", ca: "" }]]),
    });
    redis = await privateRedis();
    cluster = await startCluster({ redis, nodes: 1, config: { pingIntervalMs: 500 } });
    const payload = Type.Object({ from: Type.Integer(), "x; rm -rf ~": Type.Optional(Type.String()) });
    const tools = {
      countdown: { description: "Counts down.", payload, run: () => 0 },
      count: { payload, run: () => 0 },
    };
    provider = await serveToolset({ name: "text-tools", version: "1.0.0", tools }, { nodes: cluster.nodes });
    await until("it is listed", async () => (await complete("bash", "toolgate get te")).includes("text-tools"));
  });
  afterAll(async () => {
    await provider?.stop();
    await cluster?.stop();
    await redis?.stop();
    await rm(folder, { recursive: true });
  });

  /** How to ask each shell what it would offer for a line, one candidate per line. */
  const ASK = {
    bash: (line: string) => [
      `. "$F/bash"; COMP_LINE=$1 COMP_POINT=\${#1}; _toolgate toolgate; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      line,
    ],
    // What zsh would show needs its line editor; what it is handed is what _describe gets.
    zsh: (line: string) => [
      `compdef() { :; }; _files() { :; }; _describe() { print -l -- "\${(@P)2%%:*}"; }
       . "$F/zsh"; words=("\${(z)1}"); [[ $1 == *' ' ]] && words+=(''); CURRENT=$#words; _toolgate`,
      "zsh",
      line,
    ],
    fish: (line: string) => [`. "$F/fish"; complete -C "$argv[1]" | string split -f1 \\t; true`, line],
  };

  async function complete(shell: keyof typeof ASK, line: string): Promise<string[]> {
    const env = {
      ...environment(),
      F: folder,
      PATH: `${join(folder, "bin")}:${environment().PATH}`,
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      TOOLGATE_NODES: cluster.nodes,
    };
    const { stdout } = await promisify(execFile)(shell, ["-c", ...ASK[shell](line)], { env });
    return stdout.split("\n").filter((value) => value !== "");
  }

  const present = async (shell: string): Promise<boolean> =>
    await promisify(execFile)(shell, ["-c", "true"]).then(
      () => true,
      () => false,
    );

  test.each(SHELLS)("%s completes commands, options, names, keys, calls and contexts", async (shell) => {
    if (!(await present(shell))) return;
    // On a busy machine a cluster may take longer than a completion waits for it: then nothing is offered.
    const offers = (line: string, expected: readonly string[]): Promise<true> =>
      until(`${shell} offers ${expected} for ${line}`, async () => {
        const offered = await complete(shell, line);
        if (offered.length > 0) expect(offered.sort()).toEqual(expected);
        return offered.length > 0;
      });
    await offers("toolgate cal", ["call", "calls"]);
    await offers("toolgate get --to", ["--tool"]);
    await offers("toolgate call ", ["text-tools"]);
    await offers("toolgate call text-tools ", ["count", "countdown"]);
    await offers("toolgate get text-tools --tool countd", ["countdown"]);
    // A name that a shell would take for a command is not offered.
    await offers("toolgate call text-tools countdown ", ["from="]);
    await offers("toolgate context use pro", ["production"]);
  });
});
