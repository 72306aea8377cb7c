import { readFile } from "node:fs/promises";

/** What is read of a CPU profile, in the form of Chrome's developer tools. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 30;

/** The functions that took the most time themselves, in shares of the busy time and in microseconds per call. */
export async function profileTable(file: string, calls: number): Promise<string> {
  const profile = JSON.parse(await readFile(file, "utf8")) as CpuProfile; // V8 wrote it
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  let idle = 0;
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "?";
    const took = profile.timeDeltas[index] ?? 0;
    if (name === "(idle)") idle += took;
    else {
      busy += took;
      micros.set(name, (micros.get(name) ?? 0) + took);
    }
  }
  const share = (took: number): string => `${((100 * took) / busy).toFixed(1).padStart(5)} %`;
  const rows = [...micros.entries()]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, took]) => `  ${share(took)}  ${(took / calls).toFixed(2).padStart(7)} µs  ${name}`);
  return [
    `  busy ${((100 * busy) / (busy + idle)).toFixed(0)} %, ${(busy / calls).toFixed(1)} µs per call`,
    ...rows,
  ].join("\n");
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const place = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/dist\//, "");
  const name = functionName || "(anonymous)";
  return place === "" ? name : `${name} ${place}:${lineNumber + 1}`;
}
