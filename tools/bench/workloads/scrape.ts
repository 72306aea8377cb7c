import type { Target } from "../figures.js";
import type { Workload } from "../workload.js";

const TOOLSETS = 40;
const QUICK_TOOLSETS = 4;
const TOOLS_PER_TOOLSET = 500;
const LONGEST_MS: Target = { better: "lower", least: 50, aim: 10 };
/** As it is sent to what does not take it compressed. */
const MOST_MIB: Target = { better: "lower", least: 2, aim: 1 };
/** How a Prometheus asks; uncompressed, so that the size is that of the text. */
const SCRAPER = { accept: "application/openmetrics-text; version=1.0.0", "accept-encoding": "identity" };

/** A scrape of a node with many tools, each of which was called: what it takes of the node's event loop, and its size. */
export const SCRAPE: Workload = {
  name: "scrape",
  description: "a scrape of a node with 20,000 tools that were called",
  async run(context) {
    const toolsets = context.quick ? QUICK_TOOLSETS : TOOLSETS;
    const tools = (toolsets * TOOLS_PER_TOOLSET).toLocaleString("en");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway({ flags: ["--ops-listen", "127.0.0.1:0"] });
    const { address, opsAddress } = gateway;
    context.progress(`calling each of ${tools} tools`);
    await agent.send({ kind: "call_each", address, toolsets, toolsPerToolset: TOOLS_PER_TOOLSET });
    const found: { readonly turnMs: number; readonly bytes: number; readonly series: number }[] = [];
    // The first one only warms up.
    for (let repetition = 0; repetition <= context.effort.repetitions; repetition += 1) {
      context.progress(`scrape ${repetition}`);
      await gateway.watchTurns();
      const response = await fetch(`http://${opsAddress}/metrics`, { headers: SCRAPER, signal: context.signal });
      const text = await response.text();
      const { cpuMs, wallMs } = await gateway.longestTurn();
      if (response.status !== 200) throw new Error(`the scrape was answered ${response.status}: ${text.slice(0, 200)}`);
      const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
      if (repetition > 0) found.push({ turnMs: cpuMs ?? wallMs, bytes: Buffer.byteLength(text), series });
    }
    const what = `a scrape of a node with ${tools} tools`;
    const targeted = (target: Target) => (context.quick ? {} : { target });
    context.figure({
      id: "scrape/turn",
      what: `${what}, longest turn of its loop`,
      unit: "ms",
      values: found.map(({ turnMs }) => turnMs),
      ...targeted(LONGEST_MS),
    });
    context.figure({
      id: "scrape/size",
      what: `${what}, size`,
      unit: "MiB",
      values: found.map(({ bytes }) => bytes / 2 ** 20),
      ...targeted(MOST_MIB),
    });
    context.figure({ id: "scrape/series", what: `${what}, series`, unit: "", values: found.map((one) => one.series) });
  },
};
