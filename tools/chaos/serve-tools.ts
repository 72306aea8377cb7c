import { setTimeout as delay } from "node:timers/promises";
import type { Provider, ToolContext } from "../../src/index.js";
import { TOOLS, type ToolInput } from "./call-plan.js";
import { Ledger } from "./ledger.js";
import { machineMs } from "./machine-clock.js";
import { loadSdk } from "./sdk.js";

/**
 * A provider, or several of one toolset, with a ledger of every execution. It prints "serving" when its toolset is served; SIGTERM stops it in good
 * order. A cluster that cannot register it now is asked again, as a supervisor would.
 */

/** What it is to do, as JSON in the first argument. */
export interface ProviderOptions {
  /** Its name; of several, how their names begin. */
  readonly provider: string;
  /** How many it is. */
  readonly count: number;
  readonly toolset: string;
  /** Of its contract; another version is another contract. */
  readonly version: string;
  readonly nodes: readonly string[];
  readonly ledgerFile: string;
  readonly maxInFlight: number;
  /** The folder of the build whose SDK it uses; its own build's unless said. */
  readonly sdk?: string | undefined;
}

const RETRY_MS = 200;

// Written by the program that starts us.
const options = JSON.parse(process.argv[2] ?? "null") as ProviderOptions;
const { CallAborted, defineTool, serveToolset, Type } = await loadSdk(options.sdk);
const incarnation = `${options.provider}#${process.pid}.${Math.round(machineMs())}`;
const ledger = new Ledger(options.ledgerFile, incarnation);

const stopping = new AbortController();
process.on("SIGTERM", () => stopping.abort());

const names =
  options.count === 1
    ? [options.provider]
    : Array.from({ length: options.count }, (_, n) => `${options.provider}-${n + 1}`);
const providers = (await Promise.all(names.map(serve))).filter((provider) => provider !== undefined);
if (providers.length < names.length) {
  await Promise.all(providers.map((provider) => provider.stop()));
  process.exit(0);
}
console.log("serving");
const reasons = await Promise.all(
  providers.map(async (provider) => {
    const reason = await provider.closed;
    await provider.stop();
    if (reason.kind !== "stopped") console.error(`the provider was closed: ${JSON.stringify(reason)}`);
    return reason;
  }),
);
process.exit(reasons.every(({ kind }) => kind === "stopped") ? 0 : 3);

async function serve(providerId: string): Promise<Provider | undefined> {
  while (!stopping.signal.aborted) {
    try {
      return await serveToolset(toolset(), {
        nodes: options.nodes,
        providerId,
        maxInFlight: options.maxInFlight,
        signal: stopping.signal,
        onEvent: (event) => console.log(JSON.stringify({ at: machineMs(), ...event })),
      });
    } catch (error) {
      console.error(String(error));
      await delay(RETRY_MS);
    }
  }
  return undefined;
}

function toolset() {
  const payload = Type.Object({
    n: Type.Integer(),
    ms: Type.Integer(),
    pieces: Type.Integer(),
    stubborn: Type.Boolean(),
    asker: Type.Optional(Type.String()),
  });
  const result = Type.Object({ n: Type.Integer(), by: Type.String(), attempt: Type.Integer(), run: Type.String() });
  return {
    name: options.toolset,
    version: options.version,
    description: `Works for a while, and writes down that it did: contract ${options.version}.`,
    tools: {
      [TOOLS.once]: defineTool({ description: "Runs once per call.", payload, result, run: work }),
      [TOOLS.idempotent]: defineTool({
        description: "May run again for the same call.",
        payload,
        result,
        idempotent: true,
        run: work,
      }),
    },
  };
}

async function work(input: ToolInput, context: ToolContext) {
  const { callId, attempt, signal } = context;
  const { run, end } = ledger.begin(callId, attempt, input.asker);
  try {
    for (let piece = 1; piece <= input.pieces; piece++) {
      await context.emit({ piece, run });
      await pause(input.ms / (input.pieces + 1), input.stubborn ? undefined : signal);
    }
    await pause(input.ms / (input.pieces + 1), input.stubborn ? undefined : signal);
    end("returned");
    return { n: input.n, by: incarnation, attempt, run };
  } catch (error) {
    end(error instanceof CallAborted ? error.reason : String(error));
    throw error;
  }
}

/** Waits; throws why the call has to stop when it has. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
