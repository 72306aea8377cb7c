import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import { isDockerRunning } from "../../src/local-cluster/compose-redis.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { saidOutput, startExample } from "../support/examples.js";
import { startProgram } from "../support/start-program.js";
import { SET_UP_MS } from "../support/toolchains.js";

const FOLDER = join(PACKAGE_ROOT, "examples", "compose");

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: object | readonly string[];
}

test("what the compose file names is there", () => {
  const { services } = parse(readFileSync(join(FOLDER, "compose.yaml"), "utf8")) as {
    services: Record<string, Service>;
  };
  expect(Object.keys(services)).toEqual(["redis", "gateway", "balancer", "provider", "agent"]);
  const missing: string[] = [];
  for (const [name, { build, command = [], volumes = [], depends_on: needs = [] }] of Object.entries(services)) {
    const files = [
      ...(build === undefined ? [] : [join(FOLDER, build, "Dockerfile")]),
      ...volumes.filter((one) => one.startsWith(".")).map((one) => join(FOLDER, one.split(":")[0] ?? "")),
      ...command.filter((one) => one.startsWith("examples/")).map((one) => join(PACKAGE_ROOT, one)),
    ];
    missing.push(...files.filter((file) => !existsSync(file)));
    const needed = Array.isArray(needs) ? (needs as string[]) : Object.keys(needs);
    missing.push(...needed.filter((one) => !(one in services)).map((one) => `${name}: ${one}`));
  }
  expect(missing).toEqual([]);
});

test.each(["docker-compose.yml", "examples/compose/compose.yaml"])("nodes start with the settings of %s", (file) => {
  const [, image = ""] = /TOOLGATE_LISTEN=(\S+)/.exec(readFileSync(join(PACKAGE_ROOT, "Dockerfile"), "utf8")) ?? [];
  const { services } = parse(readFileSync(join(PACKAGE_ROOT, file), "utf8"), { merge: true }) as {
    services: Record<string, Service & { readonly environment?: Record<string, string> }>;
  };
  const nodes = Object.entries(services).filter(([name]) => name.startsWith("gateway"));
  expect(nodes).not.toEqual([]);
  for (const [, { environment: set = {} }] of nodes) {
    const given = Object.entries(set).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(\w*)\}$/, "$1")]);
    expect(parseConfig({ env: { TOOLGATE_LISTEN: image, ...Object.fromEntries(given) } }).listen).toBe("0.0.0.0:7400");
  }
});

const runs = await isDockerRunning(thisMachine(environment().PATH ?? ""));
if (!runs) console.warn("Skipped: the compose file, since no Docker engine answers.");

describe.skipIf(!runs)("where Docker runs", () => {
  test("the agent prints what the page says", { timeout: SET_UP_MS }, async () => {
    const up = startExample("compose", "up", { nodes: "" });
    try {
      await up.says(/serving words, epoch \d/);
      const agent = await startExample("compose", "agent", { nodes: "" }).ended;
      expect(agent.stdout).toBe(saidOutput("compose"));
    } finally {
      up.signal("SIGTERM");
      await up.ended;
      await startProgram("docker", ["compose", "down", "--volumes"], { cwd: FOLDER }).ended;
    }
  });
});
