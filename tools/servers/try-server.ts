import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Mount, mountMcpServer } from "../../src/hosting/mount.js";
import type { ServerCommand } from "../../src/hosting/server-process.js";
import { rawJson, type Toolgate } from "../../src/index.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { type Answer, directAnswer, gatewayFailure, isSame } from "./answers.js";
import { DirectClient } from "./direct-client.js";
import type { RealServer, ServerCall } from "./real-server.js";

/** What became of one server. */
export interface Trial {
  readonly name: string;
  /** Tools that the server lists, and that are served. */
  readonly listed: number;
  readonly served: number;
  /** Tools, or result schemas, that were left out, and why. */
  readonly skipped: readonly string[];
  readonly calls: readonly ComparedCall[];
  /** What failed, where something did. */
  readonly faults: readonly string[];
}

/** One call, made both ways. */
export interface ComparedCall {
  readonly tool: string;
  readonly args: string;
  readonly verdict: "same" | "refused as documented" | "different";
  readonly direct: Answer;
  readonly through: Answer;
}

/** Where a server is tried. */
export interface TrialContext {
  /** The path of the server's program. */
  readonly program: string;
  /** The folder that it works in; emptied before each run. */
  readonly folder: string;
  readonly nodes: readonly string[];
  readonly client: Toolgate;
  readonly signal: AbortSignal;
}

/**
 * Runs a server directly and under a mount, in a fresh folder each time, and compares what it lists and answers.
 *
 * @throws Error when the server does not run directly: then there is nothing to compare.
 */
export async function tryServer(server: RealServer, context: TrialContext): Promise<Trial> {
  const command = commandOf(server, context);
  const calls = (server.calls ?? []).map((call) => ({ ...call, args: argsOf(call, context.folder) }));
  await makeFolder(server, context.folder);
  const { names, answers } = await runDirectly(command, calls);
  await makeFolder(server, context.folder);
  const lines: string[] = [];
  const mount = await mountMcpServer({
    ...command,
    name: server.name,
    nodes: context.nodes,
    log: { debug: () => {}, info: () => {}, warn: (_, text) => lines.push(text), error: (_, text) => lines.push(text) },
    signal: context.signal,
  });
  try {
    return await compare(server, calls, names, answers, mount, context);
  } finally {
    await mount.stop();
  }
}

async function compare(
  server: RealServer,
  calls: readonly ServerCall[],
  names: readonly string[],
  answers: readonly Answer[],
  mount: Mount,
  { client }: TrialContext,
): Promise<Trial> {
  const served = new Set(mount.registration?.tools);
  const skipped = mount.registration?.skipped ?? [];
  const told = new Set(skipped.map(({ name }) => name));
  const faults = names
    .filter((name) => !served.has(name) && !told.has(name))
    .map((name) => `${name} is neither served nor reported as left out`);
  const compared: ComparedCall[] = [];
  for (const [index, call] of calls.entries()) {
    const direct = answers[index] ?? { kind: "other", body: "it was not made" };
    const through = await callThrough(client, server.name, call);
    const verdict =
      call.refused === true && through.kind === "refused"
        ? "refused as documented"
        : isSame(direct, through, call.varies ?? [])
          ? "same"
          : "different";
    compared.push({ tool: call.tool, args: call.args, verdict, direct, through });
  }
  return {
    name: server.name,
    listed: names.length,
    served: served.size,
    skipped: skipped.map(({ name, why }) => `${name}: ${why}`),
    calls: compared,
    faults,
  };
}

async function callThrough(client: Toolgate, toolset: string, { tool, args }: ServerCall): Promise<Answer> {
  try {
    const { text } = await client.invoke(toolset, tool, rawJson(args), { wait: true, raw: true });
    return { kind: "result", body: text };
  } catch (error) {
    return gatewayFailure(error);
  }
}

async function runDirectly(
  command: ServerCommand,
  calls: readonly ServerCall[],
): Promise<{ readonly names: readonly string[]; readonly answers: readonly Answer[] }> {
  const direct = new DirectClient(command);
  try {
    await direct.start();
    const names = await direct.toolNames();
    const answers: Answer[] = [];
    for (const { tool, args } of calls) {
      const params = `{"name":${JSON.stringify(tool)},"arguments":${args}}`;
      answers.push(directAnswer(await direct.request("tools/call", params)));
    }
    return { names, answers };
  } finally {
    await direct.stop();
  }
}

/** How the server is started: in its folder, which is also its home, so that it finds and leaves nothing elsewhere. */
function commandOf({ args = [], env = {} }: RealServer, { program, folder }: TrialContext): ServerCommand {
  const placed = Object.entries(env).map(([name, value]) => [name, value.replaceAll("{folder}", folder)]);
  return {
    command: program,
    args: args.map((arg) => arg.replaceAll("{folder}", folder)),
    cwd: folder,
    env: { HOME: folder, ...Object.fromEntries(placed) },
  };
}

/** A call's arguments with the folders that they name. */
function argsOf({ args }: ServerCall, folder: string): string {
  return args.replaceAll("{folder}", inJson(folder)).replaceAll("{repository}", inJson(PACKAGE_ROOT));
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

async function makeFolder({ files = {} }: RealServer, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
