import { Program } from "../../src/local-cluster/program.js";

const FREEZES_WITHIN_MS = 10_000;

/** A process that stands still. */
export interface Frozen {
  /** The machine's time of SIGSTOP. */
  readonly atMs: number;
  /** Resolves to the machine's time of SIGCONT. */
  readonly thawed: Promise<number>;
}

/** Stops a process for a while; resolves when it stands still. It goes on in any case, see freezer.ts. */
export async function freeze(pid: number, forMs: number): Promise<Frozen> {
  const freezer = new Program({
    name: `freezer of ${pid}`,
    entry: "tools/chaos/freezer.js",
    args: [String(pid), String(forMs)],
  });
  freezer.start();
  const atMs = await freezer.line("it stopped the process", field("frozenAtMs"), FREEZES_WITHIN_MS);
  return { atMs, thawed: freezer.line("it let the process go on", field("thawedAtMs"), forMs + FREEZES_WITHIN_MS) };
}

function field(name: "frozenAtMs" | "thawedAtMs"): (line: string) => number | undefined {
  return (line) => {
    if (!line.startsWith("{")) return undefined;
    const value = (JSON.parse(line) as Partial<Record<string, unknown>>)[name]; // the freezer's own line
    return typeof value === "number" ? value : undefined;
  };
}
