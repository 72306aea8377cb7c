import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, inject, test } from "vitest";
import { environment } from "../../../src/config/environment.js";
import { thisMachine } from "../../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { placeholderId, resolveIds } from "../../../tools/chaos/calls-without-id.js";
import type { HistoryEvent } from "../../../tools/chaos/history.js";
import { compileEdited, editSources } from "../../../tools/chaos/test-build.js";
import { type Build, todaysBuild } from "../../../tools/chaos/upgrade/build.js";
import { failedRequests } from "../../../tools/chaos/upgrade/failed-requests.js";
import { FUTURE } from "../../../tools/chaos/upgrade/future-build.js";
import { lastRelease } from "../../../tools/chaos/upgrade/recorded-release.js";
import { packRelease } from "../../../tools/chaos/upgrade/release-tarball.js";
import { planPasses } from "../../../tools/chaos/upgrade/upgrade-plan.js";
import { allKept, upgradeMarkdown, upgradeText, type Way } from "../../../tools/chaos/upgrade/upgrade-report.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { admitted, asked, ended, evidence, refused, run, unknown } from "./evidence.js";
import { type Running, runChaosProgram } from "./running.js";

expectNoLeaks();

describe("calls whose ids the SDK made", () => {
  const call = placeholderId("a/1");
  const [start] = run();
  if (start === undefined) throw new Error("the run has no start");

  test("get the id of their handle, or of their first run", () => {
    const history = [asked({ call }), ended({ call })];
    expect(resolveIds([...history, admitted({ call, callId: "c" })], [])).toMatchObject([
      { call: "c" },
      { call: "c" },
      { call: "c" },
    ]);
    expect(resolveIds(history, [{ ...start, asker: call }])).toMatchObject([{ call: "c" }, { call: "c" }]);
  });
  test("keep their name when they neither have a handle nor ran; other calls keep their ids", () => {
    expect(resolveIds([asked({ call }), asked()], [{ ...start, asker: placeholderId("a/2") }])).toMatchObject([
      { call },
      { call: "c" },
    ]);
  });
});

describe("failed requests", () => {
  const failed = (...history: HistoryEvent[]) => failedRequests(evidence({ history })).length;

  test("are those that were refused, that nobody answered, and that ended without a result", () => {
    expect(failed(asked(), ended())).toBe(0);
    expect(failed(asked(), refused())).toBe(1);
    expect(failed(asked(), unknown())).toBe(1);
    expect(failed(asked(), ended({ terminal: { kind: "outcome_unknown", body: "", reason: "PROVIDER_LOST" } }))).toBe(
      1,
    );
  });
  test("are none of calls that their agents gave up, and none of those that watch one gateway", () => {
    expect(failed(asked(), unknown("ABORTED_BY_AGENT"), ended({ terminal: { kind: "cancelled", body: "" } }))).toBe(0);
    expect(failed(asked({ how: "gateway 1" }), unknown())).toBe(0);
  });
});

describe("the passes of a run", () => {
  const builds = { recorded: build("0.2.0"), today: build("today's"), future: build("future") };
  const { recorded, today, future } = builds;

  test("take each pair there and back in good order, and by kill -9", () => {
    const passes = planPasses(builds, false);
    expect(passes.map((pass) => pass.builds)).toEqual([
      [recorded, today],
      [recorded, today],
      [today, future],
      [today, future],
    ]);
    expect(passes[1]?.ways).toMatchObject([
      [{ from: recorded, to: today, ending: "SIGKILL" }],
      [{ from: today, to: recorded, ending: "SIGKILL" }],
    ]);
  });
  test("are two where it is to be quick", () => {
    expect(planPasses(builds, true).map(({ ways }) => ways)).toMatchObject([
      [
        [
          { from: recorded, to: today, ending: "SIGTERM" },
          { from: today, to: recorded, ending: "SIGKILL" },
        ],
      ],
      [[{ from: future, to: today, ending: "SIGTERM" }]],
    ]);
  });
});

test("the future build's edits fit the sources, and compile", () => {
  const sources = editSources(FUTURE);
  const text = [...sources.values()].join("\n");
  for (const { by } of FUTURE.edits) expect(text).toContain(by);
  expect([...(compileEdited([FUTURE]).get(FUTURE.name)?.keys() ?? [])]).toEqual([...sources.keys()]);
});

describe("the report", () => {
  const way: Way = {
    legs: [{ from: build("0.2.0"), to: todaysBuild(), ending: "SIGTERM", contract: undefined }],
    ...{ evidence: evidence(), violations: [], failed: [] },
  };
  const machine = {
    cpu: "a CPU",
    cores: 2,
    memoryGiB: 4,
    system: "Linux",
    node: "20.20.2",
    redis: "redis-server 7.0.15",
  };
  const facts = { machine, seed: "7", quick: false, tookSeconds: 12 };
  const failed = { ...way, failed: ["request a/1.1 was refused"] };

  test("is clean when no promise was broken and no request failed", () => {
    expect(allKept([way])).toBe(true);
    expect(allKept([way, failed])).toBe(false);
    expect(upgradeText([failed], facts, undefined)).toContain("FAILED: request a/1.1 was refused");
  });
  test("as Markdown is a table with the machine and the command", () => {
    const lines = upgradeMarkdown([way], facts).split("\n");
    expect(lines[0]).toBe(
      "Run with `npm run chaos -- --upgrade` on 2 × a CPU, 4 GiB, Linux, Node 20.20.2, redis-server 7.0.15, in 12 s.",
    );
    expect(lines[4]).toBe("| 0.2.0 → today's | SIGTERM | 1 | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |");
  });
});

describe("the program", () => {
  let running: Running | undefined;
  let packed: string | undefined;
  afterEach(async () => {
    running?.child.kill("SIGKILL");
    await running?.ended;
    const folder = join(PACKAGE_ROOT, ".toolgate", "chaos", `upgrade-${running?.child.pid}`);
    await rm(folder, { recursive: true, force: true });
    if (packed !== undefined) await rm(packed, { recursive: true, force: true });
  });

  test.runIf(inject("redisForTests").kind === "binary")(
    "takes clusters of two builds up and down, and nothing is lost, doubled, hung, failed or wrong",
    async () => {
      packed = join(PACKAGE_ROOT, ".toolgate", `packed-${process.pid}`);
      const release = lastRelease() ?? (await packRelease(thisMachine(environment().PATH ?? ""), packed)).server;
      const args = ["--upgrade", "--quick", "--json", "--seed", "upgrade", "--release", release];
      running = runChaosProgram(args, PACKAGE_ROOT); // the future build is the package's own with other modules
      expect(await running.ended, running.output()).toBe(0);
      const kept = { lost: 0, doubled: 0, hung: 0, failed: 0, wrong: 0, other: 0, violations: [] };
      expect(JSON.parse(running.told())).toMatchObject({ clean: true, ways: [kept, kept] });
    },
    900_000,
  );
});

function build(name: string): Build {
  return { name, version: name, root: "" };
}
