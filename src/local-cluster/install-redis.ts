import type { CommandResult, Machine } from "./machine.js";

/**
 * What Debian's package would start by itself is never unpacked: we want its program, not a service of the system that
 * listens on 6379 and comes back after a reboot. Without these files the package's own scripts start nothing.
 */
const SERVICE_FILES = [
  "/etc/init.d/redis-server",
  "/lib/systemd/system/redis-server*.service",
  "/usr/lib/systemd/system/redis-server*.service",
];

/** Whether Debian's package can be installed here: by root, where there is apt-get. */
export function canInstallRedis(machine: Machine): boolean {
  return machine.isRoot && machine.find("apt-get") !== undefined;
}

/**
 * Installs Debian's `redis-server`, program only.
 *
 * @returns undefined when it is there; else why it is not, in one line.
 */
export async function installRedis(machine: Machine, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const apt = (...args: string[]): Promise<CommandResult> =>
    machine.run("apt-get", ["-qq", ...args], {
      env: { ...environment, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" },
    });
  const install = () =>
    apt(
      ...[
        "-o",
        "DPkg::Lock::Timeout=60",
        ...SERVICE_FILES.flatMap((file) => ["-o", `Dpkg::Options::=--path-exclude=${file}`]),
      ],
      ...["install", "--yes", "--no-install-recommends", "redis-server"],
    );
  let result = await install();
  if (result.status !== 0) {
    // On a fresh machine the package lists are empty or out of date.
    const update = await apt("update");
    result = update.status === 0 ? await install() : update;
  }
  return result.status === 0 ? undefined : lastLine(result.stderr) || `apt-get ended with status ${result.status}`;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
