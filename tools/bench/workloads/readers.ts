import type { ReadTogetherReport } from "../actors/read-together.js";
import type { Unit } from "../figures.js";
import { cpuMicros } from "../process-cost.js";
import type { Workload } from "../workload.js";
import { grow } from "./growth.js";

const TOOLSETS = 2_500;
const LARGE = "large";
const LARGE_BYTES = 3_600_000;
const WATCHES = 300;
const READINGS = 400;

/** Many readers of the same catalogue at the same moment: what they ask for is made once. */
export const READERS: Workload = {
  name: "readers",
  description: `${WATCHES} watches of ${TOOLSETS} toolsets at once, and ${READINGS} readings of one of 3.6 MB`,
  async run(context) {
    const { quick } = context;
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway();
    const toolsets = quick ? 50 : TOOLSETS;
    await grow(context, agent, gateway, { from: 0, to: toolsets, toolsPerToolset: 1 });
    await agent.send({ kind: "register_large", address: gateway.address, toolset: LARGE, bytes: LARGE_BYTES });
    for (const [what, readers, name] of [
      ["watch", quick ? 10 : WATCHES, `watches of ${toolsets} toolsets`],
      ["get", quick ? 10 : READINGS, "readings of a toolset of 3.6 MB"],
    ] as const) {
      const said = `${readers} ${name} at once`;
      context.progress(said);
      const before = { memory: await gateway.memory(), cpu: cpuMicros(gateway.pid) ?? Number.NaN };
      await gateway.watchLoop();
      const { tookMs, bytes } = await agent.send<ReadTogetherReport>({
        ...{ kind: "read_together", address: gateway.address, what, readers, toolset: LARGE },
      });
      const loop = await gateway.loop();
      const cpu = (cpuMicros(gateway.pid) ?? Number.NaN) - before.cpu;
      const after = await gateway.memory();
      const figure = (id: string, of: string, unit: Unit, value: number): void =>
        context.figure({ id: `readers/${what}/${id}`, what: `${said}: ${of}`, unit, values: [value] });
      figure("time", "until all have theirs", "s", tookMs / 1_000);
      figure("cpu", "CPU of the node", "s", cpu / 1_000_000);
      figure("longest", "longest turn of the node's event loop, by CPU time", "ms", loop.longestMs);
      figure(
        "resident",
        "resident memory afterwards, above that of before",
        "MiB",
        (after.residentBytes - before.memory.residentBytes) / 1_048_576,
      );
      figure("read", "what they read", "MiB", bytes / 1_048_576);
    }
  },
};
