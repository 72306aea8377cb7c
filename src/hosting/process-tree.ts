import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process as the operating system shows it. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** The process group. */
  readonly group: number;
  /** When it started, in the system's own notation: with the pid it names one process for ever. */
  readonly started: string;
}

/** Every process that this user can see; zombies are left out. Linux answers from /proc, others from `ps`. */
export async function listProcesses(): Promise<RunningProcess[]> {
  return process.platform === "linux" ? await fromProc() : await fromPs();
}

/** The members of a process group and all their descendants, also those that moved to another group; the leader is left out. */
export function familyOf(leader: number, processes: readonly RunningProcess[]): RunningProcess[] {
  const children = new Map<number, RunningProcess[]>();
  for (const process of processes) {
    const siblings = children.get(process.parent);
    if (siblings) siblings.push(process);
    else children.set(process.parent, [process]);
  }
  const family = new Map<number, RunningProcess>();
  const add = (process: RunningProcess): void => {
    if (process.pid === leader || family.has(process.pid)) return;
    family.set(process.pid, process);
    for (const child of children.get(process.pid) ?? []) add(child);
  };
  for (const process of processes) if (process.group === leader || process.parent === leader) add(process);
  return [...family.values()];
}

async function fromProc(): Promise<RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<RunningProcess | undefined> => {
      // A process that ends between the two reads is simply not there any more.
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
      return stat === undefined ? undefined : parseStat(Number(pid), stat);
    }),
  );
  return found.filter((process) => process !== undefined);
}

/** proc_pid_stat(5): the name in brackets may hold anything, so the fields are counted from the last bracket. */
function parseStat(pid: number, stat: string): RunningProcess | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group] = fields;
  const started = fields[19];
  if (state === undefined || parent === undefined || group === undefined || started === undefined) return undefined;
  return state === "Z" ? undefined : { pid, parent: Number(parent), group: Number(group), started };
}

async function fromPs(): Promise<RunningProcess[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid=,pgid=,stat=,lstart="], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split("\n").flatMap((line) => {
    const [pid, parent, group, state, ...started] = line.trim().split(/\s+/);
    if (state === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), started: started.join(" ") }];
  });
}
