import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { profileTable } from "../profile-summary.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/** Where a node's time goes. Not part of a whole run: a profiled process is slower. */
export const PROFILE: Workload = {
  name: "profile",
  description: "CPU profiles of a node under Session, Invoke and REST, into the folder of --profile",
  async run(context) {
    const folder = resolve(context.profileFolder ?? "bench-profiles");
    await mkdir(folder, { recursive: true });
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway({ flags: ["--http-listen", "127.0.0.1:0"] });
    const own = { stage, gateway, provider: await stage.provider(gateway) };
    for (const [name, how, payloadBytes] of [
      ["session", "session", 64],
      ["invoke", "unary", 64],
      ["session-4096", "session", 4_096],
      ["rest", "rest", 64],
    ] as const) {
      context.progress(`profiling a node under ${name}`);
      const contender = toolgateContender(name, how, own, { payload: payloadOf(payloadBytes) });
      const load = { inFlight: 64, leadMs: 0, windowMs: context.quick ? 500 : 4_000 };
      await agent.load({ ...contender, load });
      await gateway.startProfile();
      const { calls } = await agent.load({ ...contender, load });
      const file = join(folder, `gateway-${name}.cpuprofile`);
      await gateway.stopProfile(file);
      context.note(`A node under ${name}, 64 in flight (${file}):\n${await profileTable(file, calls)}`);
    }
  },
};
