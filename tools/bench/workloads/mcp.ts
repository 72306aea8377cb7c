import { paired, ratio, type Target } from "../figures.js";
import { interleave, type Measurement } from "../measure.js";
import type { Workload } from "../workload.js";
import { mcpServerContender, payloadOf, toolgateContender } from "./contenders.js";

const TO_INVOKE: Target = { better: "higher", least: 0.25, aim: 0.6 };
const TO_SDK: Target = { better: "higher", least: 3 };
/** Where the targets hold: fewer calls at once wait for each other, and more only for a core. */
const TARGET_IN_FLIGHT = 64;

/** Calls by MCP beside the same by gRPC, and beside the official SDK's server, which has the tool in itself. */
export const MCP: Workload = {
  name: "mcp",
  description: "calls by MCP against Invoke, and against the official SDK's server",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway({ flags: ["--http-listen", "127.0.0.1:0"] });
    const provider = await stage.provider(gateway);
    const server = await stage.mcpServer();
    for (const payloadBytes of context.payloadBytes) {
      const call = { payload: payloadOf(payloadBytes) };
      const contenders = [
        toolgateContender("mcp", "mcp", { stage, gateway, provider }, call),
        toolgateContender("invoke", "unary", { stage, gateway, provider }, call),
        mcpServerContender(server, call),
      ];
      for (const inFlight of context.loads) {
        const found = await interleave(stage, agent, contenders, inFlight, context.effort, ({ name }) =>
          context.progress(`${name}, ${inFlight} in flight, ${payloadBytes} B`),
        );
        for (const [contender, measurements] of found)
          context.detail({ work: "mcp", contender, inFlight, payloadBytes, measurements });
        const against = (other: string, pick: (one: Measurement) => number): number[] =>
          paired((found.get("mcp") ?? []).map(pick), (found.get(other) ?? []).map(pick), ratio);
        const add = (id: string, what: string, values: number[], target?: Target): void =>
          context.figure({
            id: `mcp/${id}-${payloadBytes}B@${inFlight}`,
            what: `MCP against ${what}, ${payloadBytes} B, ${inFlight} in flight`,
            unit: "×",
            values,
            ...(target === undefined || inFlight !== TARGET_IN_FLIGHT ? {} : { target }),
          });
        const perSecond = (one: Measurement): number => one.perSecond;
        add("invoke", "Invoke, calls/s", against("invoke", perSecond), TO_INVOKE);
        add("sdk", "the SDK's server without a gateway, calls/s", against("sdk", perSecond), TO_SDK);
        add(
          "node",
          "Invoke, CPU of the node per call",
          against("invoke", (one) => one.cpuPerCall.gateway ?? Number.NaN),
        );
      }
    }
  },
};
