import { readFile } from "node:fs/promises";

/** What is read of a CPU profile, in the form of Chrome's developer tools. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** In microseconds of the machine's monotonic clock. */
  readonly startTime: number;
}

/** A part of a profile, in microseconds of the machine's monotonic clock. */
export interface ProfileWindow {
  readonly fromMicros: number;
  readonly untilMicros: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

const SHOWN = 30;

/**
 * Where the busy time went, in shares and in microseconds per call: by what functions took themselves and, for functions
 * of ours, together with what they called.
 *
 * @param window only what was done then.
 */
export async function profileTable(file: string, calls: number, window?: ProfileWindow): Promise<string> {
  const profile = JSON.parse(await readFile(file, "utf8")) as CpuProfile; // V8 wrote it
  const own = new Map<number, number>();
  let atMicros = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const tookMicros = profile.timeDeltas[index] ?? 0;
    atMicros += tookMicros;
    if (window !== undefined && (atMicros < window.fromMicros || atMicros > window.untilMicros)) continue;
    own.set(id, (own.get(id) ?? 0) + tookMicros);
  }
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const self = new Map<string, number>();
  const whole = new Map<string, number>();
  const add = (map: Map<string, number>, name: string, micros: number): void => {
    map.set(name, (map.get(name) ?? 0) + micros);
  };
  // A function within itself counts once.
  const walk = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const name = nameOf(node);
    const within = new Set(above).add(name);
    let micros = own.get(node.id) ?? 0;
    add(self, name, micros);
    for (const id of node.children ?? []) {
      const child = nodes.get(id);
      if (child) micros += walk(child, within);
    }
    if (!above.has(name)) add(whole, name, micros);
    return micros;
  };
  const [root] = profile.nodes;
  const total = root === undefined ? 0 : walk(root, new Set());
  const idle = self.get("(idle)") ?? 0;
  const busy = total - idle;
  self.delete("(idle)");
  const rows = (map: ReadonlyMap<string, number>): string[] =>
    [...map.entries()]
      .sort(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(([name, micros]) => {
        const share = ((100 * micros) / busy).toFixed(1).padStart(5);
        return `  ${share} %  ${(micros / calls).toFixed(2).padStart(7)} µs  ${name}`;
      });
  const ours = new Map([...whole].filter(([name]) => / src\//.test(name)));
  return [
    `  busy ${((100 * busy) / total).toFixed(0)} % of the time, ${(busy / calls).toFixed(1)} µs per call`,
    "  by itself:",
    ...rows(self),
    "  with what it calls:",
    ...rows(ours),
  ].join("\n");
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const place = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/dist\//, "");
  const name = functionName || "(anonymous)";
  return place === "" ? name : `${name} ${place}:${lineNumber + 1}`;
}
