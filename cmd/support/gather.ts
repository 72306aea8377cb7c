import { arch, platform, release } from "node:os";
import { type AuditRecord, type ConnectOptions, connect, type RequestOptions, type Toolgate } from "../../src/index.js";
import type { SecretValues } from "../../src/observe/secret-values.js";
import { VERSION } from "../../src/version.js";
import type { Check } from "../doctor/check.js";
import { type Checked, runChecks } from "../doctor/run-checks.js";
import type { OpsClient } from "../ops/ops-client.js";
import type { Output } from "../output/output.js";
import type { Bundle } from "./bundle.js";
import { lastLines } from "./last-lines.js";

/** What is gathered, and of what. */
export interface Gathered extends Checked {
  /** The ops listeners of nodes. */
  readonly ops: readonly string[];
  /** The log file of a node that runs here; none when empty. */
  readonly logFile: string;
  /** How many of its last lines. */
  readonly logLines: number;
  /** From when on records of the audit are counted. */
  readonly auditFrom: Date;
  /** How many of the latest are in it as they are. */
  readonly auditRecords: number;
}

/** What it is gathered with. */
export interface Gathering {
  readonly bundle: Bundle;
  readonly opsClient: OpsClient;
  readonly secrets: SecretValues;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** How long a node may take to connect, in milliseconds. */
const CONNECT_MS = 3_000;
/** The most records of the audit, toolsets and documents that are read. */
const MOST_RECORDS = 100_000;
const MOST_LISTED = 20_000;

/** Gathers everything, part by part; what cannot be had is written down as missing. */
export async function gather(asked: Gathered, gathering: Gathering): Promise<void> {
  const { bundle, output, signal } = gathering;
  await bundle.add("versions.json", "what made this bundle, and where", () => ({
    madeAt: new Date(),
    toolgate: VERSION,
    node: process.version,
    os: `${platform()} ${release()} ${arch()}`,
  }));
  await bundle.add("doctor.json", "what toolgate doctor says", async () => {
    const checks: Check[] = [];
    for await (const check of runChecks(asked, output, signal)) checks.push(check);
    return { ok: !checks.some(({ status }) => status === "fail"), checks };
  });
  if (asked.redisUrl === undefined)
    bundle.missing.push({ name: "doctor.json: Redis", why: "where it is was not said: --redis-url (REDIS_URL)" });
  const reached = await output.withProgress("Asking the nodes", () => gatherRegistry(asked, gathering));
  if (reached !== undefined)
    await output.withProgress("Listing what the registry has", () => gatherLists([reached], asked, gathering));
  else for (const name of LISTS) bundle.missing.push({ name, why: "no node answered" });
  await output.withProgress("Asking the ops listeners", () => gatherOps(asked, gathering));
  const { logFile, logLines } = asked;
  if (logFile === "")
    bundle.missing.push({ name: "log.ndjson", why: "no log file was named: --log-file (TOOLGATE_LOG_FILE)" });
  else
    await bundle.add("log.ndjson", `the last lines of ${logFile}`, () =>
      lastLines(logFile, logLines, gathering.secrets),
    );
}

/** Which node is which, of what version, with what limits. @returns a node that answered */
async function gatherRegistry(asked: Gathered, { bundle, signal }: Gathering): Promise<string | undefined> {
  let reached: string | undefined;
  for (const address of asked.nodes) {
    await bundle.add(`nodes/${fileName(address)}/registry.json`, `what ${address} says of its registry`, () =>
      withNode([address], asked, signal, async (client, options) => {
        const registry = await client.registry(options);
        reached ??= address;
        return registry;
      }),
    );
  }
  return reached;
}

const LISTS = ["toolsets.json", "documents.json", "audit.json"] as const;

async function gatherLists(nodes: readonly string[], asked: Gathered, { bundle, signal }: Gathering): Promise<void> {
  const { auditFrom, auditRecords } = asked;
  const inAll =
    <T>(work: (client: Toolgate, options: RequestOptions) => Promise<T>) =>
    () =>
      withNode(nodes, asked, signal, work);
  await bundle.add(
    "toolsets.json",
    "the toolsets by name, versions and health, without their descriptions and schemas",
    inAll((client, options) =>
      listed(client.list(options), ({ name, version, healthy, toolCount, epochs }) => ({
        name,
        version,
        healthy,
        toolCount,
        epochs,
      })),
    ),
  );
  await bundle.add(
    "documents.json",
    "the documents of the caller's tenant by kind, name and revision, without their content",
    inAll((client, options) =>
      listed(client.documents.list(options), ({ tenant, kind, name, revision, writtenAt, unreadable }) => ({
        ...{ tenant, kind, name, revision, writtenAt },
        ...(unreadable === undefined ? {} : { unreadable }),
      })),
    ),
  );
  await bundle.add(
    "audit.json",
    auditRecords === 0
      ? "how often what was decided"
      : `how often what was decided, and the latest ${auditRecords} records`,
    inAll(async (client, options) => {
      const counts = new Map<string, number>();
      const latest: AuditRecord[] = [];
      let read = 0;
      for await (const record of client.audit.query({ ...options, from: auditFrom })) {
        if (++read > MOST_RECORDS) break;
        const { event, verb, outcome, reason, omitted } = record;
        const key = [event, verb, outcome, reason].join("\n");
        counts.set(key, (counts.get(key) ?? 0) + 1 + omitted);
        if (auditRecords === 0) continue;
        latest.push(record);
        if (latest.length > auditRecords) latest.shift();
      }
      return {
        from: auditFrom,
        // There is more than was counted.
        complete: read <= MOST_RECORDS,
        counts: [...counts].map(([key, count]) => {
          const [event, verb, outcome, reason] = key.split("\n");
          return { event, verb, outcome, reason, count };
        }),
        ...(auditRecords === 0 ? {} : { latest }),
      };
    }),
  );
}

const OPS_FILES = [
  ["/healthz", "health.json", "whether it is ready, and what of"],
  ["/config", "config.json", "its versions and settings, of secret ones only whether they are set"],
  ["/metrics", "metrics.txt", "its metrics"],
  ["/loglevel", "log-level.txt", "the least important line that it logs"],
] as const;

async function gatherOps({ ops }: Gathered, { bundle, opsClient }: Gathering): Promise<void> {
  for (const address of ops) {
    for (const [path, file, about] of OPS_FILES) {
      const name = `ops/${fileName(address)}/${file}`;
      // A node that is not ready says so with 503.
      await bundle.add(name, `${about}: ${address}`, () => opsClient.ask(address, { path, answers: [200, 503] }));
    }
  }
}

async function withNode<T>(
  nodes: readonly string[],
  { options }: Gathered,
  signal: AbortSignal,
  work: (client: Toolgate, options: RequestOptions) => Promise<T>,
): Promise<T> {
  const connection: ConnectOptions = { connectTimeoutMs: CONNECT_MS, patienceMs: CONNECT_MS, ...options, signal };
  const client = await connect(nodes, connection);
  try {
    return await work(client, { signal });
  } finally {
    await client.close();
  }
}

async function listed<Item, Shown>(items: AsyncIterable<Item>, show: (item: Item) => Shown): Promise<Shown[]> {
  const shown: Shown[] = [];
  for await (const item of items) {
    if (shown.length === MOST_LISTED) break;
    shown.push(show(item));
  }
  return shown;
}

/** An address as a folder's name on every system. */
const fileName = (address: string): string => address.replace(/[^A-Za-z0-9.-]/g, "_");
