import { connect, type Toolgate } from "../../../src/index.js";
import { TOOLS } from "../call-plan.js";
import type { ChaosCluster, Gateway } from "../chaos-cluster.js";
import { readLedgers } from "../ledger.js";
import { machineMs } from "../machine-clock.js";
import { countFigure, type Figure, thousands } from "./figure.js";
import { work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const TOOLSET = "orders";
/** Four providers take 128 calls at once. */
const PROVIDERS = 4;
/** Longer than it takes to kill the node once all run, in milliseconds. */
const WORK_MS = 4_000;
const TIMEOUT_MS = 30_000;

/** A node is killed while providers that are attached to it run `once` calls, which agents asked it and others for. */
export async function killedNode(scene: Scene): Promise<Figure[]> {
  const calls = scene.quick ? 20 : 100;
  return await withCluster(scene, { toolsets: { [TOOLSET]: PROVIDERS } }, async (cluster) => {
    const [node, ...others] = cluster.gateways;
    if (node === undefined) throw new Error("There is no gateway.");
    await gather(cluster, node, others, scene.signal);
    // The first goes to any node at first; the second to the one that is killed.
    const addresses = others.map(({ agentLink }) => agentLink.address);
    const clients = await Promise.all([connect(addresses), connectThrough(node, addresses)]);
    try {
      const outcomes = Array.from({ length: calls }, async (_, n) => {
        const ids = { runId: "killed-node", toolCallId: String(n) };
        const client = clients[n % clients.length];
        try {
          await client?.invoke(TOOLSET, TOOLS.once, { ...work(WORK_MS), n }, { ...ids, timeoutMs: TIMEOUT_MS });
          return "";
        } catch (error) {
          return `call ${n}: ${String(error)}`;
        }
      });
      const starts = () => readLedgers(cluster.ledgerFolder).filter(({ phase }) => phase === "start");
      await until(`all ${calls} calls run`, () => starts().length >= calls, scene.signal);
      const killedMs = await node.member.kill();
      scene.say(`${node.member.name} is killed while ${calls} calls run`);
      const restarted = node.member.start();
      const failures = (await Promise.all(outcomes)).filter((failure) => failure !== "");
      const tookMs = machineMs() - killedMs;
      await restarted;
      const runs = starts();
      const doubled = runs.length - new Set(runs.map(({ call }) => call)).size;
      return [
        countFigure({
          what: "a node killed while its providers run 100 `once` calls",
          target: "all 100 end with their result, each run once",
          measured: `${calls - failures.length} ended with their result, ${doubled} ran twice`,
          counted: `${calls} calls, ${runs.length} runs; the last result ${thousands(tookMs)} ms after the kill, of calls of ${thousands(WORK_MS)} ms`,
          against: [
            ...failures,
            ...(doubled > 0 || runs.length !== calls ? [`${runs.length} runs of ${calls} calls`] : []),
          ],
        }),
      ];
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });
}

/** A client that knows all nodes, and is with a certain one. */
async function connectThrough({ agentLink }: Gateway, others: readonly string[]): Promise<Toolgate> {
  for (;;) {
    const client = await connect([agentLink.address, ...others]);
    if (client.node === agentLink.address) return client;
    await client.close();
  }
}

/** Lets every provider attach to one node: for a while they cannot reach any other. */
async function gather(
  { providers }: ChaosCluster,
  node: Gateway,
  others: readonly Gateway[],
  signal: AbortSignal,
): Promise<void> {
  for (const { providerLink } of others) providerLink.set("refuse");
  await until(
    `all providers are attached to ${node.member.name}`,
    () => providers.every(({ member }) => attachedTo(member.output) === node.providerLink.address),
    signal,
  );
  for (const { providerLink } of others) providerLink.set("pass");
}

/** Where a provider is attached, by the events that it printed. */
function attachedTo(output: readonly string[]): string | undefined {
  const events = output
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { readonly kind: string; readonly address?: string }) // its own lines
    .filter(({ kind }) => kind === "attached" || kind === "detached");
  const last = events.at(-1);
  return last?.kind === "attached" ? last.address : undefined;
}
