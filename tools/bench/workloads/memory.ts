import { setTimeout as after } from "node:timers/promises";
import type { Agent } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { grow } from "./growth.js";

const FOLLOWED_WITHIN_MS = 30_000;

/** What a node holds for things that only are there. */
export const MEMORY: Workload = {
  name: "memory",
  description: "a node's memory per toolset, per compiled schema, per session",
  async run(context) {
    const count = context.quick ? 50 : 300;
    const repetitions = context.quick ? 1 : Math.min(3, context.effort.repetitions);
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    // It takes the registrations, and compiles what it registers; the other one only follows.
    const registering = await stage.gateway();
    const gateway = await stage.gateway();
    await grow(context, agent, registering, { from: 0, to: count, toolsPerToolset: 1 }); // room that is found once
    await followed(context, agent, gateway.address, count);
    await agent.send({ kind: "compile", address: gateway.address, from: 0, to: 10 });
    await agent.send({ kind: "sessions", address: gateway.address, count: 10 });

    const toolsets: number[] = [];
    const schemas: number[] = [];
    const sessions: number[] = [];
    for (let repetition = 1; repetition <= repetitions; repetition += 1) {
      const [from, to] = [repetition * count, (repetition + 1) * count];
      context.progress(`${count} toolsets, repetition ${repetition}`);
      const before = await gateway.memory();
      await grow(context, agent, registering, { from, to, toolsPerToolset: 1 });
      await followed(context, agent, gateway.address, to);
      const grown = await gateway.memory();
      toolsets.push((grown.heldBytes - before.heldBytes) / count / 1_000);

      context.progress(`${count} compiled schemas, repetition ${repetition}`);
      await agent.send({ kind: "compile", address: gateway.address, from, to });
      const compiled = await gateway.memory();
      schemas.push((compiled.heldBytes - grown.heldBytes) / count / 1_000);

      context.progress(`${count} sessions, repetition ${repetition}`);
      await agent.send({ kind: "sessions", address: gateway.address, count });
      const opened = await gateway.memory();
      sessions.push((opened.heldBytes - compiled.heldBytes) / count / 1_000);
    }
    for (const [id, what, values] of [
      ["toolset", "toolset of one tool, not compiled", toolsets],
      ["schema", "compiled schema", schemas],
      ["session", "idle agent session", sessions],
    ] as const)
      context.figure({ id: `memory/${id}`, what: `node memory per ${what}`, unit: "KB", values });
  },
};

/** Waits until a node knows this many toolsets, as its registrations end with this one: it knows the last. */
async function followed({ signal }: WorkloadContext, agent: Agent, address: string, toolsets: number): Promise<void> {
  const giveUpAt = performance.now() + FOLLOWED_WITHIN_MS;
  for (;;) {
    try {
      await agent.send({ kind: "compile", address, from: toolsets - 1, to: toolsets });
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await after(20, undefined, { signal });
    }
  }
}
