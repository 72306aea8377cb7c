import { readdirSync, readFileSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { builtProgram, PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { expectNoLeaks } from "../support/leaks.js";
import { type ConsumerProject, consumerProject } from "../support/packages.js";
import { blocksOf, commandsIn } from "../support/page-blocks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { selfSignedIn } from "../support/self-signed.js";
import { type Running, startProgram, stopInside } from "../support/start-program.js";
import { goProgram, hasLanguage, SET_UP_MS } from "../support/toolchains.js";
import { until } from "../support/until.js";

/** Every command of the README, of `docs/` and of the examples' pages is run by a test, or named here with the reason why not. */

expectNoLeaks();

const SLUGIFY = "http://127.0.0.1:7480/v1/toolsets/text/tools/slugify:call";
/** Where the call is that was answered last, as `curl -D` has kept it. */
const LOCATION = String.raw`$(sed -n 's/^location: //p' answer.headers | tr -d '\r')`;
/** Of a call that is sampled. */
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

/** What a command prints, by the command as the page has it. They are run in this order, beside what `npm start` runs. */
const RUN: Readonly<Record<string, RegExp>> = {
  // README.md
  "npx toolgate list": /^files .*\n(?:.*\n)*text /m,
  "npx toolgate search read a file": /read_text_file/,
  "npx toolgate get files --tool read_text_file": /read_text_file/,
  "npx toolgate call files read_text_file path=package.json head=3": /"name": "toolgate"/,
  "npx toolgate call text countdown '{\"from\": 3}'": /"counted": 3\n/,
  "npx toolgate calls list": /^No such call is under way\.$/m,
  // docs/access.md
  "toolgate whoami": /^principal {2}default\/bootstrap$/m,
  "toolgate access tenant create acme": /^created +tenant default\/acme$/m,
  "toolgate access share add text --with acme --tools slugify": /^created +share default\/text-acme$/m,
  "toolgate access key create robot --tenant acme --role agent -o robot.key": /it is in robot\.key/,
  "toolgate list --key-file robot.key": /^default\/text /m,
  'toolgate call default/text slugify text="Hello, World" --key-file robot.key': /"slug": "hello-world"/,
  // docs/cli.md
  "toolgate context set prod --nodes 10.0.0.5:7400,10.0.0.6:7400 --ca prod.pem": /prod/,
  "toolgate context use prod": /prod/,
  "toolgate --context staging list": /^text /m,
  "toolgate context show": /prod/,
  "source <(toolgate completion bash)": /^$/,
  "toolgate completion fish > ~/.config/fish/completions/toolgate.fish": /^$/,
  // docs/clients.md
  [`esbuild main.ts --bundle --platform=node --format=esm --outfile=main.mjs \\
  --banner:js="import{createRequire}from'node:module';const require=createRequire(import.meta.url);"`]: /main\.mjs/,
  // docs/http-providers.md
  "npx toolgate mount-http examples/http/openapi.yaml --dry-run --auth key=file:examples/http/key.txt":
    /^addBook +POST \/books +once +key +Add a book$/m,
  // docs/limits.md; test/tools/package/packages.test.ts counts what the SDK alone has
  "find node_modules -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum }'": /^\d+\n$/,
  [`node -e 'const start = process.cpuUsage();
  import("toolgate-sdk").then(() => { const { user, system } = process.cpuUsage(start); console.log((user + system) / 1e6); })'`]:
    /^0\.\d+\n$/,
  // docs/http.md
  [String.raw`(umask 077; printf 'authorization: Bearer %s\ncontent-type: application/json\n' \
  "$(cat ~/.config/toolgate/keys/127.0.0.1_7400)" > toolgate.headers)`]: /^$/,
  // docs/mcp.md, too
  [`curl -s -H @toolgate.headers -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}' http://127.0.0.1:7480/mcp`]:
    /"name":"files__read_text_file".*"name":"text__slugify"/,
  [String.raw`curl -s -H @toolgate.headers http://127.0.0.1:7482/mcp/t/text \
  -d '{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "slugify", "arguments": {"text": "Hello, World"}}}'`]:
    /"structuredContent":\{"slug":"hello-world"\}/,
  // docs/http.md
  "curl -s -H @toolgate.headers http://127.0.0.1:7480/v1/toolsets": /"name":"text"/,
  "curl -s -H @toolgate.headers 'http://127.0.0.1:7480/v1/search?q=count+words'": /"tool":"count_words"/,
  "curl -s -H @toolgate.headers http://127.0.0.1:7480/v1/toolsets/text/tools/slugify": /"payloadSchema":/,
  [`curl -s -H @toolgate.headers -d '{"text": "Hello, World"}' ${SLUGIFY}`]: /^\{"slug":"hello-world"\}$/,
  [String.raw`curl -s -D answer.headers -H @toolgate.headers -H 'prefer: respond-async' -d '{"from": 3}' \
  http://127.0.0.1:7480/v1/toolsets/text/tools/countdown:call`]: /"repeatedRequest":false/,
  [`curl -s -H @toolgate.headers "http://127.0.0.1:7482${LOCATION}"`]: /"tool":"countdown"/,
  [`curl -sN -H @toolgate.headers "http://127.0.0.1:7482${LOCATION}/events" | tee events.txt`]:
    /^id: \S+\nevent: output\ndata: \{"attempt":1,"data":3\}\n[\s\S]*"data":2[\s\S]*event: terminal\ndata: .*"counted":3/,
  [String.raw`curl -sN -H @toolgate.headers -H "last-event-id: $(sed -n 's/^id: //p' events.txt | head -n 1)" \
  "http://127.0.0.1:7484${LOCATION}/events"`]: /^id: \S+\nevent: output\ndata: \{"attempt":1,"data":2\}/,
  [`curl -s -X POST -H @toolgate.headers "http://127.0.0.1:7480${LOCATION}:cancel"`]: /"state":"ended"/,
  [`curl -s -H @toolgate.headers -H 'idempotency-key: order-7' -d '{"text": "Hello, World"}' ${SLUGIFY}`]:
    /hello-world/,
  [`curl -s -H @toolgate.headers -d '{"title": "Hello"}' ${SLUGIFY}`]: /"reason":"INVALID_PAYLOAD","executed":"no"/,
  "curl -s -H @toolgate.headers http://127.0.0.1:7480/v1/whoami": /"tenant":"default","id":"[^"]+","kind":"key"/,
  [`curl -s -H @toolgate.headers -d '{"principal": "crawler", "roles": ["agent"]}' http://127.0.0.1:7480/v1/keys`]:
    /^\{"key":"[^"]+","keyId":"/,
  [String.raw`curl -s -H @toolgate.headers -d '{"changes": [{"kind": "role", "name": "quiet", "body": {"rules": []}}], "dryRun": true}' \
  http://127.0.0.1:7480/v1/documents:apply`]: /"name":"quiet","outcome":"created"/,
  "curl -s -H @toolgate.headers 'http://127.0.0.1:7480/v1/explain?toolset=text&tool=slugify'": /"outcome":"ready"/,
  "curl -s -H @toolgate.headers 'http://127.0.0.1:7480/v1/audit?event=change&tool=crawler'":
    /"event":"change".*"tool":"crawler"/,
  [String.raw`curl -s -H @toolgate.headers -d '{"providerId": "deploy", "incarnation": "1", "contract": {"name": "clock", "version": "1.0.0",
  "tools": [{"name": "now", "description": "The time.", "payloadSchema": {"type": "object"}}]}}' \
  http://127.0.0.1:7480/v1/toolsets | tee lease.json`]: /"leaseToken":"/,
  [String.raw`sed -E 's/.*"epoch":([0-9]+).*"leaseToken":"([A-Za-z0-9_-]+)".*/{"lease": {"toolset": "clock", "providerId": "deploy", "incarnation": "1", "epoch": \1, "leaseToken": "\2"}}/' \
  lease.json | curl -s -H @toolgate.headers -d @- http://127.0.0.1:7480/v1/leases:renew`]: /^\{"leaseUntilMs":\d+/,
  "curl -s -H @toolgate.headers http://127.0.0.1:7480/v1/openapi.json": /"operationId":"callTool"/,
  "curl -s -H @toolgate.headers 'http://127.0.0.1:7480/v1/openapi/tools?toolset=text'": /"operationId":"slugify"/,
  "curl -s http://127.0.0.1:7480/readyz": /^\{"status":"ok"\}$/,
  "curl -s -H @toolgate.headers http://127.0.0.1:7480/healthz": /"redisAnswers":true/,
  [String.raw`curl -s -H @toolgate.headers -H 'traceparent: 00-${TRACE}-00f067aa0ba902b7-01' \
  -d '{"text": "Traced"}' ${SLUGIFY}`]: /^\{"slug":"traced"\}$/,
  [String.raw`printf 'scrape_configs: [{job_name: toolgate, scrape_interval: 5s, static_configs: [{targets: ["127.0.0.1:7481", "127.0.0.1:7483", "127.0.0.1:7485"]}]}]\n' > prometheus.yml`]:
    /^$/,
  // docs/webhooks.md
  [`(umask 077; mkdir -p webhooks/default; node -p '"whsec_" + crypto.randomBytes(32).toString("base64")' > webhooks/default/billing)`]:
    /^$/,
  // docs/metrics.md
  "curl -s http://127.0.0.1:7481/metrics":
    /^toolgate_calls_total\{toolset="text",tool="slugify",outcome="rejected"\} [1-9]/m,
  "curl -s http://127.0.0.1:7481/readyz": /^ok$/m,
  "curl -s http://127.0.0.1:7481/healthz": /"status":"ok"/,
  [`curl -s -X PUT -H "authorization: Bearer $(cat ~/.config/toolgate/keys/127.0.0.1_7400)" -d info 'http://127.0.0.1:7481/loglevel?seconds=600'`]:
    /^info$/m,
  // docs/operating.md
  "toolgate log-level debug --for 10m --ops 127.0.0.1:7481": /^debug$/m,
  "toolgate support --ops 127.0.0.1:7481 -o toolgate-support.zip": /^doctor\.json +\d+ /m,
  // CONTRIBUTING.md
  "npm run bench -- --help": /--only/,
  "npm run chaos -- --help": /--figures/,
  "npm run servers -- --help": /Usage/,
  "npm run schemas -- --help": /Usage/,
};

/** The same of those that run until they are stopped: what they say when they are up. */
const RUN_UNTIL: Readonly<Record<string, RegExp>> = {
  "npx toolgate serve --listen 0.0.0.0:7400 --auth required --redis-url redis://redis:6379": /listening/,
  "npx toolgate serve --listen 0.0.0.0:7400 --auth required --redis-url redis://redis:6379 --traces http://127.0.0.1:4318 --trace-ratio 1":
    /traces_started/,
  "npx toolgate serve --http-listen 0.0.0.0:7480 --listen 0.0.0.0:7400 --auth required --redis-url redis://redis:6379":
    /"httpAddress":"127\.0\.0\.1:\d+"/,
  "npx toolgate mount --name files -- npx -y @modelcontextprotocol/server-filesystem .": /"?serving|registered|files/,
};

/** The key of `npm start`, as the page sends it. */
const BEARER = '-H "authorization: Bearer $(cat ~/.config/toolgate/keys/127.0.0.1_7400)"';

/** The same of those that need a program in Go. */
const RUN_GRPCURL: Readonly<Record<string, RegExp>> = {
  [`grpcurl -plaintext ${BEARER} 127.0.0.1:7400 list`]: /^toolgate\.v1\.Gateway$/m,
  [`grpcurl -plaintext ${BEARER} 127.0.0.1:7400 describe toolgate.v1.Gateway`]: /rpc Invoke/,
  [`grpcurl -plaintext ${BEARER} 127.0.0.1:7400 grpc.health.v1.Health/Check`]: /SERVING/,
  [`grpcurl -plaintext ${BEARER} -d "{\\"call\\": {\\"toolset\\": \\"text\\", \\"tool\\": \\"slugify\\",
  \\"payloadJson\\": \\"$(printf '{"text": "Hello, World"}' | base64)\\"}}" 127.0.0.1:7400 toolgate.v1.Gateway/Invoke`]:
    /TERMINAL_KIND_RESULT/,
};

/** What no test runs as it is written. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "toolgate access init --redis-url redis://redis:6379 -o admin.key":
    "test/cmd/access.test.ts makes an administrator in a Redis",
  "toolgate access init rescue --force --ttl 1h --redis-url redis://redis:6379 -o rescue.key":
    "test/cmd/access.test.ts makes an administrator in a Redis",
  "docker compose exec -T gateway-1 toolgate access init > admin.key":
    "test/cmd/access.test.ts makes an administrator in a Redis",
  [`curl -s -o toolgate.cpuprofile -H "authorization: Bearer $(cat ~/.config/toolgate/keys/127.0.0.1_7400)" 'http://127.0.0.1:7481/debug/cpu?seconds=10'`]:
    "it takes ten seconds; test/front/ops/ops-server.test.ts takes a profile of one",
  "prometheus --config.file=prometheus.yml --web.listen-address=127.0.0.1:9090":
    "it needs Prometheus; npm run dashboards runs one",
  "curl -sg 'http://127.0.0.1:9090/api/v1/query?query=sum+by(tool,outcome)(toolgate_calls_total{toolset=\"text\"})'":
    "it needs Prometheus; npm run dashboards runs one",
  "npm run dashboards": "it needs Prometheus; test/docs/dashboards.test.ts looks at its expressions",
  "npm install @opentelemetry/sdk-trace-base@2 @opentelemetry/exporter-trace-otlp-http@0.223":
    "they are here; test/observe/traces/node-traces.test.ts runs a node without them",
  "npm install @opentelemetry/sdk-metrics@2 @opentelemetry/exporter-metrics-otlp-http@0.223":
    "they are here; test/observe/metrics/metrics-push.test.ts runs a node without them",
  "npx toolgate serve --metrics-push http://127.0.0.1:4318":
    "it runs until it is stopped; test/front/ops/ops-server.test.ts runs a node that sends metrics",
  "kubectl create secret generic toolgate-redis --from-literal=url=redis://:password@redis:6379": "it needs Kubernetes",
  "kubectl create secret generic toolgate-bootstrap --from-file=key=admin.key": "it needs Kubernetes",
  [`helm install toolgate deploy/helm/toolgate \\
  --set image.repository=registry.example/toolgate \\
  --set redis.urlSecret.name=toolgate-redis --set auth.bootstrapKeySecret.name=toolgate-bootstrap`]:
    "it needs Kubernetes; test/deploy/helm.test.ts renders the chart",
  "npm install --global toolgate": "test/tools/package/packages.test.ts installs the package",
  "install -d -m 700 /etc/toolgate": "it is root's",
  "echo 'redis://:password@127.0.0.1:6379' > /etc/toolgate/redis-url": "it is root's",
  "install -m 600 admin.key /etc/toolgate/bootstrap-key": "it is root's",
  "cp deploy/systemd/toolgate.service /etc/systemd/system/": "test/deploy/systemd.test.ts looks at the unit",
  "systemctl enable --now toolgate": "it needs systemd; test/deploy/systemd.test.ts looks at the unit",
  "npm test": "it runs this test",
  "npm test -- --quick": "it is a part of npm test",
  "npm run lint && npm run typecheck": ".ci/run runs both",
  "npm run lint:imports": ".ci/run runs it",
  "npm run lint:lua": ".ci/run runs it",
  "bash .ci/run": "it runs this test",
  "npm run package": "test/tools/package/packages.test.ts makes both",
  "npm run test:node24": "it downloads another Node, and runs this test",
  "npm run bench": "it takes an hour; test/tools/bench/smoke.test.ts runs each part shortly",
  "npm run bench -- --only calls --json now.json":
    "it takes minutes; test/tools/bench/smoke.test.ts runs each part shortly",
  "PATH=~/nats:$PATH npm run bench -- --only calls": "it takes minutes, and needs a NATS server",
  "npm run bench -- --profile profiles": "it takes minutes; test/tools/bench/smoke.test.ts runs each part shortly",
  "npm run chaos": "it takes minutes; test/tools/chaos/short-run.test.ts runs it shortly",
  "npm run chaos -- --store sentinel": "it takes minutes; test/tools/chaos/short-run.test.ts runs it shortly",
  "npm run chaos -- --figures":
    "it takes a quarter of an hour; test/tools/chaos/figures.test.ts checks what it makes of its facts",
  "npm run chaos -- --figures rolling":
    "it takes minutes; test/tools/chaos/figures.test.ts checks what it makes of its facts",
  "npm run chaos -- --upgrade": "it takes minutes; test/tools/chaos/upgrade.test.ts runs it shortly",
  "npm run chaos -- --upgrade --quick": "test/tools/chaos/upgrade.test.ts runs it",
  "npm run chaos -- --mutants":
    "it takes an hour, and builds each mutant; test/tools/chaos/mutants.test.ts checks their list",
  "source <(toolgate completion zsh)": "few machines have zsh; test/cmd/completion.test.ts reads the script",
  [`protoc -I proto --go_out=gen --go_opt=paths=source_relative \\
  --go-grpc_out=gen --go-grpc_opt=paths=source_relative proto/toolgate/v1/*.proto`]:
    "it needs protoc and plugins on the PATH; test/examples/go.test.ts makes the same stubs by buf",
  "python -m pip install -r requirements.txt": "test/support/toolchains.ts installs the same into a Python of its own",
  "npm install toolgate-sdk": "test/sdk/docs.test.ts runs what is below it with the packages of this tree",
  "docker compose up --build": "test/examples/compose.test.ts runs it where Docker runs",
  "docker compose run --rm agent": "test/examples/compose.test.ts runs it where Docker runs",
};

/** These run for the other commands: `npm start`, here with its traces sent to what prints them. */
const RECEIVER = `node -e 'require("http").createServer((asked, answer) => asked.pipe(process.stdout) && answer.end("{}")).listen(4318, "127.0.0.1")'`;
const START = "TOOLGATE_TRACES=http://127.0.0.1:4318 npm start";
const BESIDE = ["npm start", RECEIVER, START];

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "packages/sdk/README.md",
  ...readdirSync(join(PACKAGE_ROOT, "docs")).map((name) => `docs/${name}`),
  ...readdirSync(join(PACKAGE_ROOT, "examples"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("README.md") && !name.includes("node_modules"))
    .map((name) => `examples/${name}`),
];
const blocks = pages.flatMap((page) => blocksOf(page).map((block) => ({ page, ...block })));

describe("the pages", () => {
  test("say of every block what it is", () => {
    const indented = pages.filter((page) => /\n\n {4}\S/.test(outsideBlocks(page)));
    expect(indented, "pages with an indented block: fence it").toEqual([]);
    expect(blocks.filter(({ language }) => language === "").map(({ page }) => page)).toEqual([]);
  });

  test("have no command that is neither run nor named with a reason", () => {
    const unnamed = blocks.filter(({ language, name }) => language === "sh" && name === undefined);
    const commands = unnamed.flatMap(({ text }) => commandsIn(text));
    const known = [...BESIDE, ...[RUN, RUN_UNTIL, RUN_GRPCURL, NOT_RUN].flatMap((table) => Object.keys(table))];
    expect(commands.filter((command) => !known.includes(command))).toEqual([]);
    const named = blocks.filter(({ name }) => name !== undefined).flatMap(({ text }) => commandsIn(text));
    expect(known.filter((command) => ![...commands, ...named].includes(command))).toEqual([]);
  });

  test("have no named block that no test of the examples runs", () => {
    const folder = join(PACKAGE_ROOT, "test", "examples");
    const tests = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const idle = blocks.filter(({ page, name, text }) => {
      if (name === undefined || commandsIn(text).every((command) => command in NOT_RUN)) return false;
      const place = page.startsWith("examples/") ? dirname(page).slice("examples/".length) : page;
      return !tests.some((source) => source.includes(`"${name}"`) && source.includes(place));
    });
    expect(idle.map(({ page, name }) => `${page}: ${name}`)).toEqual([]);
  });
});

describe("beside npm start", () => {
  let redis: TestRedis;
  let project: ConsumerProject;
  let folder = "";
  let started: Running;
  let receiver: Running;
  let nodes: readonly string[] = [];
  /** What the pages call it, and what it is here. */
  const ports = new Map<string, string>();

  beforeAll(async () => {
    project = await consumerProject();
    ({ folder } = project);
    await mkdir(join(folder, "bin"));
    await symlink(builtProgram("cmd/toolgate.js"), join(folder, "bin", "toolgate"));
    await mkdir(join(folder, ".config", "fish", "completions"), { recursive: true });
    await writeFile(join(folder, "main.ts"), 'import { connect } from "toolgate-sdk";\nconsole.log(typeof connect);\n');
    selfSignedIn(folder, "prod");
    redis = await privateRedis();
    const receiverPort = String(await freePort());
    receiver = startProgram("bash", ["-ec", `exec ${RECEIVER.replace("4318", receiverPort)}`]);
    started = startProgram("bash", ["-ec", START.replace("4318", receiverPort).replace("npm", "exec npm")], {
      cwd: PACKAGE_ROOT,
      env: { REDIS_URL: "", HOME: folder, XDG_CONFIG_HOME: "" },
    });
    await started.says(/^Logs: /m);
    const rows = [
      ...started.stdout().matchAll(/node \d +(\S+) +listens after \d+ ms; http:\/\/(\S+), metrics http:\/\/(\S+)$/gm),
    ];
    nodes = rows.map(([, address = ""]) => address);
    for (const [index, [, , http = "", ops = ""]] of rows.entries()) {
      ports.set(`127.0.0.1:${7480 + 2 * index}`, http);
      ports.set(`127.0.0.1:${7481 + 2 * index}`, ops);
    }
    await run(`toolgate context set staging --nodes ${nodes.join(",")}`).ended;
  }, 120_000);

  afterAll(async () => {
    started?.signal("SIGINT");
    await started?.ended;
    receiver?.signal("SIGTERM");
    await receiver?.ended;
    await redis?.stop();
    await project?.remove();
  });

  /** Runs a command in a shell: one of npm's in the repository, others in a folder of their own. */
  function run(command: string, path: readonly string[] = []): Running {
    const { PATH = "" } = environment();
    const here = command
      .replace(/0\.0\.0\.0:74[08]0/g, "127.0.0.1:0")
      .replace(/127\.0\.0\.1:748\d/g, (address) => ports.get(address) ?? address)
      .replace("redis://redis:6379", redis.url)
      .replace("127.0.0.1:7400", nodes[0] ?? "")
      .replaceAll("127.0.0.1_7400", (nodes[0] ?? "").replace(":", "_"));
    return startProgram("bash", ["-ec", here], {
      cwd: /^np[mx] /.test(command) ? PACKAGE_ROOT : folder,
      env: {
        // Beside them no context of one's own would count.
        ...(command.startsWith("toolgate context") ? {} : { TOOLGATE_NODES: nodes.join(",") }),
        // Where another process had the usual port.
        ...(command.startsWith("toolgate ") ? { TOOLGATE_OPS_LISTEN: ports.get("127.0.0.1:7481") ?? "" } : {}),
        HOME: folder,
        XDG_CONFIG_HOME: "",
        PATH: [...path, join(folder, "bin"), join(PACKAGE_ROOT, "node_modules", ".bin"), PATH].join(delimiter),
      },
    });
  }

  test("npm start says what the README shows", () => {
    expect(nodes).toHaveLength(3);
  });

  test.each(Object.entries(RUN))("%s", async (command, said) => {
    const { code, stdout, stderr } = await run(command).ended;
    expect({ code, text: stdout + stderr }).toEqual({ code: 0, text: expect.stringMatching(said) });
  });

  test("the trace of a call by HTTP comes to the receiver, from all that took part", async () => {
    const spans = new RegExp(`"traceId":"${TRACE}"[^{}]*"name":"(admit|queue|attempt|execute_tool slugify)"`, "g");
    const named = () => new Set([...receiver.stdout().matchAll(spans)].map(([, name]) => name));
    await until("its spans are there", () => named().size === 4);
  });

  test("the bundle runs", async () => {
    expect(await startProgram(process.execPath, ["main.mjs"], { cwd: folder }).ended).toMatchObject({
      stdout: "function\n",
    });
  });

  test.each(Object.entries(RUN_UNTIL))("%s", async (command, said) => {
    const running = run(command);
    try {
      await running.says(said);
    } finally {
      await stopInside(running, command.split(" ").slice(1, 3).join(" "));
    }
  });

  const examples = blocks.filter(({ language }) => language === "console");
  test.each(examples)("$page shows what is printed: $text", async ({ text }) => {
    const [command = "", ...lines] = text.split("\n");
    const { stdout, stderr } = await run(command.replace(/^\$ /, "")).ended;
    expect(stdout + stderr).toBe(lines.join("\n"));
  });

  test.skipIf(!hasLanguage("go", "the pages' commands with grpcurl"))(
    "the commands with grpcurl",
    { timeout: SET_UP_MS },
    async () => {
      const program = await goProgram("github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3");
      for (const [command, said] of Object.entries(RUN_GRPCURL)) {
        const { code, stdout, stderr } = await run(command, [dirname(program)]).ended;
        expect({ code, text: stdout + stderr }).toEqual({ code: 0, text: expect.stringMatching(said) });
      }
    },
  );
});

/** A page without its fenced blocks. */
function outsideBlocks(page: string): string {
  return readFileSync(join(PACKAGE_ROOT, page), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
}
