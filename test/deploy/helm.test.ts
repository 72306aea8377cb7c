import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { parseConfig, SETTINGS } from "../../src/config/config.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { VERSION } from "../../src/version.js";

/*
 * The chart by what comes of it: the rendered files are checked in, so that all but the rendering itself is tried without helm.
 * To write them anew, with helm on the PATH: vitest run test/deploy/helm.test.ts --update
 */

const HELM = join(PACKAGE_ROOT, "deploy/helm");
const CHART = join(HELM, "toolgate");
/** What the chart is rendered for. */
const KUBERNETES = "1.30.0";
/** Those that the manifests are checked against: the oldest that the chart takes, that one, and the newest that is known. */
const VERSIONS = ["1.27", "1.30", "1.37"];
const SETS = readdirSync(join(HELM, "values")).map((file) => file.replace(/\.yaml$/, ""));

const run = (command: string, args: readonly string[], input = "") =>
  spawnSync(command, args, { input, encoding: "utf8" });
const hasHelm = run("helm", ["version"]).status === 0;
const hasValidate = run("python3", ["-c", "import kubernetes_validate"]).status === 0;

const render = (set: string, ...more: readonly string[]) =>
  run("helm", [
    ...["template", "toolgate", CHART, "--namespace", "toolgate", "--kube-version", KUBERNETES],
    ...["--values", join(HELM, "values", `${set}.yaml`), ...more],
  ]);

interface Manifest {
  readonly kind: string;
  // Each kind has a form of its own: tests read of it what they are about.
  // biome-ignore lint/suspicious/noExplicitAny: as said
  readonly [field: string]: any;
}

const textOf = (set: string): string => readFileSync(join(HELM, "rendered", `${set}.yaml`), "utf8");
const manifestsOf = (set: string): Manifest[] =>
  parseAllDocuments(textOf(set)).flatMap((document) => (document.toJS() as Manifest | null) ?? []); // as Kubernetes has them
const isOps = ({ metadata }: Manifest): boolean => metadata.labels["app.kubernetes.io/component"] === "ops";
function only(set: string, kind: string): Manifest {
  const found = manifestsOf(set).filter((manifest) => manifest.kind === kind && !isOps(manifest));
  expect(found).toHaveLength(1);
  return found[0] as Manifest; // as just seen
}
const podOf = (set: string) => only(set, "Deployment").spec.template.spec;

test("the chart is of this version", () => {
  const { version, appVersion } = parse(readFileSync(join(CHART, "Chart.yaml"), "utf8")) as Record<string, string>;
  expect({ version, appVersion }).toEqual({ version: VERSION, appVersion: VERSION });
});

test("every value of the chart is known to its schema, and the other way round", () => {
  const values = parse(readFileSync(join(CHART, "values.yaml"), "utf8")) as object;
  const { properties } = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")) as { properties: object };
  expect(
    Object.keys(properties)
      .filter((name) => name !== "global")
      .sort(),
  ).toEqual(Object.keys(values).sort());
});

describe.each(SETS)("with the values %s", (set) => {
  test("a node starts with what it is told", () => {
    const { data } = only(set, "ConfigMap");
    const { env } = podOf(set).containers[0];
    const given = Object.fromEntries(
      (env as { name: string }[]).map(({ name }) => [name, name === "REDIS_URL" ? "redis://redis" : "given"]),
    );
    const config = parseConfig({ env: { ...given, ...data } });
    expect(config.listen).toBe("0.0.0.0:7400");
  });

  test("no secret is in a ConfigMap, nor in any manifest", () => {
    const secret = new Set(SETTINGS.filter((setting) => setting.secret).map(({ variable }) => variable));
    expect(secret).toContain("REDIS_URL");
    for (const { data } of manifestsOf(set).filter(({ kind }) => kind === "ConfigMap")) {
      expect(Object.keys(data).filter((name) => secret.has(name))).toEqual([]);
    }
    for (const { name, value } of podOf(set).containers[0].env)
      expect({ name, value }).toEqual({ name, value: undefined });
    expect(manifestsOf(set).map(({ kind }) => kind)).not.toContain("Secret");
  });

  test("a node drains before it is killed", () => {
    const { terminationGracePeriodSeconds, containers } = podOf(set);
    const [, pause] = containers[0].lifecycle.preStop.exec.command;
    const grace = Number(only(set, "ConfigMap").data.TOOLGATE_DRAIN_GRACE_MS) / 1_000;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(pause) + grace);
  });

  test("its pod may do nothing that a node does not need", () => {
    const { securityContext, automountServiceAccountToken, containers } = podOf(set);
    expect(automountServiceAccountToken).toBe(false);
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  test("files that the settings name are mounted", () => {
    const files = Object.values(only(set, "ConfigMap").data as Record<string, string>).filter((value) =>
      value.startsWith("/"),
    );
    const mounts = (podOf(set).containers[0].volumeMounts as { mountPath: string }[]).map(({ mountPath }) => mountPath);
    for (const file of files) expect(mounts.filter((mount) => file.startsWith(`${mount}/`))).toHaveLength(1);
  });

  test.skipIf(!hasValidate).each(VERSIONS)(
    "Kubernetes %s knows all of it (needs kubernetes-validate of PyPI)",
    (version) => {
      const program = `
import json, sys, kubernetes_validate
for manifest in json.load(sys.stdin):
    kubernetes_validate.validate(manifest, "${version}", strict=True)
`;
      const { status, stderr } = run(
        "python3",
        ["-c", program],
        JSON.stringify(manifestsOf(set).filter(({ apiVersion }) => !apiVersion.startsWith("monitoring.coreos.com/"))),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );

  test.skipIf(!hasHelm)("the chart makes just this (needs helm)", async () => {
    const { status, stdout, stderr } = render(set);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    await expect(stdout).toMatchFileSnapshot(join(HELM, "rendered", `${set}.yaml`));
    const linted = run("helm", ["lint", "--strict", CHART, "--values", join(HELM, "values", `${set}.yaml`)]);
    expect(linted.stdout).toMatch(/1 chart\(s\) linted, 0 chart\(s\) failed/);
  });
});

test("the service says what is spoken", () => {
  expect(only("usual", "Service").spec.ports).toMatchObject([
    { port: 7400, targetPort: "grpc", appProtocol: "kubernetes.io/h2c" },
    { port: 7480, targetPort: "http", appProtocol: "http" },
  ]);
  expect(only("full", "Service").spec.ports).toMatchObject([
    { port: 7400, appProtocol: "https" },
    { port: 7480, appProtocol: "https" },
  ]);
});

test("HTTP is answered where the service says, to its names, and to the clients of the policy alone", () => {
  for (const set of SETS) {
    const { data } = only(set, "ConfigMap");
    expect(data.TOOLGATE_HTTP_LISTEN).toBe("0.0.0.0:7480");
    expect(data.TOOLGATE_HTTP_HOSTS.split(",")).toContain("toolgate.toolgate.svc");
    expect(podOf(set).containers[0].ports).toContainEqual({ name: "http", containerPort: 7480 });
    const [clients, monitoring] = only(set, "NetworkPolicy").spec.ingress;
    expect(clients.ports).toEqual([{ port: "grpc" }, { port: "http" }]);
    expect(monitoring.ports).toEqual([{ port: "ops" }]);
  }
  expect(only("full", "ConfigMap").data.TOOLGATE_HTTP_HOSTS.split(",")).toContain("toolgate.example.com");
});

test("what is for operators is not at the clients' service, and is asked for with a credential", () => {
  for (const set of SETS) {
    const [ops] = manifestsOf(set).filter((manifest) => manifest.kind === "Service" && isOps(manifest));
    expect(ops?.spec).toMatchObject({ clusterIP: "None", ports: [{ port: 7481 }] });
    const { ports, readinessProbe, livenessProbe } = podOf(set).containers[0];
    expect(ports).toContainEqual({ name: "ops", containerPort: 7481 });
    expect(readinessProbe.httpGet).toEqual({ path: "/readyz", port: "ops" });
    expect(livenessProbe.httpGet).toEqual({ path: "/livez", port: "ops" });
  }
  const { selector, endpoints } = only("full", "ServiceMonitor").spec;
  const [ops] = manifestsOf("full").filter((manifest) => manifest.kind === "Service" && isOps(manifest));
  expect(ops?.metadata.labels).toMatchObject(selector.matchLabels);
  const credentials = { name: "toolgate-operator", key: "key" };
  expect(endpoints).toMatchObject([{ port: "ops", path: "/metrics", authorization: { credentials } }]);
});

test("what is only of use to several nodes is not there for one", () => {
  const kinds = (set: string) => manifestsOf(set).map(({ kind }) => kind);
  expect(kinds("open")).not.toContain("PodDisruptionBudget");
  expect(kinds("usual")).toContain("PodDisruptionBudget");
  expect(kinds("full")).toContain("HorizontalPodAutoscaler");
  expect(only("full", "Deployment").spec.replicas).toBeUndefined();
});

test.skipIf(!hasHelm).each([
  ["a secret among the settings", "settings.REDIS_URL=redis://:canary@redis", /settings\.REDIS_URL: a secret/],
  ["a variable that is no setting", "settings.PATH=/", /settings\.PATH: a secret, or no setting/],
  [
    "a setting that the chart makes",
    "settings.TOOLGATE_LISTEN=0.0.0.0:1",
    /settings\.TOOLGATE_LISTEN: the chart sets it/,
  ],
  ["a misspelt value", "replica=3", /additional properties 'replica' not allowed/],
  [
    "callers that must prove who they are, and nobody who could",
    "auth.bootstrapKeySecret.name=",
    /auth\.bootstrapKeySecret\.name/,
  ],
  ["no Redis", "redis.urlSecret.name=", /redis\.urlSecret\.name: the Secret that holds Redis's URL/],
])("the chart refuses %s (needs helm)", (_what, value, says) => {
  const { status, stderr } = render("usual", "--set", value);
  expect(status).toBe(1);
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain("canary");
});
