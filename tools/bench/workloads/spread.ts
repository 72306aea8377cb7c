import { paired, ratio } from "../figures.js";
import { interleaveTeams, type Measurement, type Team } from "../measure.js";
import type { Actor, Agent, Gateway, Stage } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/** The same calls over more processes: agents, nodes, providers. All of them share this machine's cores. */

const CALL = { payload: payloadOf(64) };
const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

/** A node with providers of its own; several of one cluster deliver each other's calls. */
interface Node {
  readonly stage: Stage;
  readonly gateway: Gateway;
  readonly provider: Actor;
}

interface Group {
  /** What it is called in a table. */
  readonly name: string;
  readonly agents: readonly Agent[];
  readonly nodes: readonly Node[];
}

/** Several agents, since a grpc-js client measures itself, and one to three nodes. */
export const NODES: Workload = {
  name: "nodes",
  description: "1 and 3 agent processes, and 1 to 3 nodes",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agents = await Promise.all([stage.agent(), stage.agent(), stage.agent()]);
    const cluster = async (size: number): Promise<readonly Node[]> => {
      const nodes: Node[] = [];
      for (let index = 0; index < size; index += 1) {
        const gateway = await stage.gateway({ registry: `nodes-${size}` });
        nodes.push({ stage, gateway, provider: await stage.provider(gateway, { prefix: `bench-${index}` }) });
      }
      return nodes;
    };
    const one = await cluster(1);
    const several = context.quick ? [3] : [2, 3];
    const groups: Group[] = [
      { name: "1 agent, 1 node", agents: agents.slice(0, 1), nodes: one },
      { name: "3 agents, 1 node", agents, nodes: one },
    ];
    for (const size of several) groups.push({ name: `3 agents, ${size} nodes`, agents, nodes: await cluster(size) });
    await compare(context, "nodes", groups, 32, [
      ["3 agents, 1 node", "1 agent, 1 node"],
      ...several.map((size): [string, string] => [`3 agents, ${size} nodes`, "3 agents, 1 node"]),
    ]);
  },
};

/** Many providers of one toolset. */
export const PROVIDERS: Workload = {
  name: "providers",
  description: "1 to 100 providers of one toolset, at one node",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agents = [await stage.agent()];
    const groups: Group[] = [];
    for (const count of context.quick ? [1, 10] : [1, 10, 100]) {
      const gateway = await stage.gateway({ registry: `providers-${count}` });
      const provider = await stage.provider(gateway, { count, room: 100 });
      groups.push({ name: nameOf(count), agents, nodes: [{ stage, gateway, provider }] });
    }
    const pairs = groups.slice(1).map(({ name }): [string, string] => [name, nameOf(1)]);
    await compare(context, "providers", groups, 64, pairs);
  },
};

const nameOf = (providers: number): string => (providers === 1 ? "1 provider" : `${providers} providers`);

/** Measures groups beside each other, and adds the ratios of the pairs that are named. */
async function compare(
  context: WorkloadContext,
  work: string,
  groups: readonly Group[],
  inFlight: number,
  pairs: readonly (readonly [string, string])[],
): Promise<void> {
  const [{ nodes: [{ stage } = fail()] = [] } = fail()] = groups;
  for (const { how, label } of WAYS) {
    const teams = groups.map(
      ({ name, agents, nodes }): Team => ({
        name,
        parts: agents.flatMap((agent, index) => {
          const node = nodes[index % nodes.length];
          return node === undefined ? [] : [{ agent, contender: toolgateContender(name, how, node, CALL) }];
        }),
      }),
    );
    const say = ({ name }: Team): void => context.progress(`${label}: ${name}, ${inFlight} in flight each`);
    const found = await interleaveTeams(stage, teams, inFlight, context.effort, say);
    for (const [name, measurements] of found)
      context.detail({ work, contender: `${label}, ${name}`, inFlight, payloadBytes: 64, measurements });
    const rates = (name: string): number[] => (found.get(name) ?? []).map((one: Measurement) => one.perSecond);
    for (const [name, baseline] of pairs)
      context.figure({
        id: `${work}/${label.toLowerCase()}/${name.replaceAll(/[ ,]+/g, "-")}`,
        what: `${label}, ${inFlight} in flight per agent: ${name} against ${baseline}`,
        unit: "×",
        values: paired(rates(name), rates(baseline), ratio),
      });
  }
}

function fail(): never {
  throw new Error("There is nothing to compare.");
}
