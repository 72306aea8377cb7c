import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { type CommandResult, type Machine, thisMachine } from "../../src/local-cluster/machine.js";
import { type ProvisionedRedis, provisionRedis } from "../../src/local-cluster/provision-redis.js";
import { expectNoLeaks, hasEnded } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";

expectNoLeaks();
const other = redisForFile();

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-provision-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const binary = inject("redisForTests");

/** Provisions with the machine that is described; by default one that has nothing at all. */
function provision(machine: Partial<Machine>, redisUrl?: string, path = ""): Promise<ProvisionedRedis> {
  const bare: Machine = { find: () => undefined, run: async () => done(127), isRoot: false };
  const env = { ...environment(), ...(path === "" ? {} : { PATH: path }) };
  return provisionRedis({ redisUrl, machine: { ...bare, ...machine }, environment: env, folder });
}

function done(status: number, stdout = "", stderr = ""): CommandResult {
  return { status, stdout, stderr };
}

async function ping(url: string): Promise<string> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {}); // connecting fails with it
  try {
    await client.connect();
    return await client.ping();
  } finally {
    client.disconnect();
  }
}

describe("REDIS_URL", () => {
  test("is used as it is, and is not stopped", async () => {
    const redis = await provision({ find: () => "/never/asked" }, other().url);
    expect(redis).toMatchObject({ url: other().url, origin: "REDIS_URL" });
    await redis.stop();
    expect(await ping(other().url)).toBe("PONG");
  });

  test("that nobody answers gives two lines, without the password", async () => {
    const failure = await provision({}, "redis://me:secret@127.0.0.1:1").catch((error: Error) => error.message);
    expect(String(failure).split("\n")).toEqual([
      expect.stringMatching(/^Redis at redis:\/\/127\.0\.0\.1:1 \(REDIS_URL\) does not answer: .*ECONNREFUSED/),
      expect.stringContaining("unset REDIS_URL"),
    ]);
    expect(failure).not.toContain("secret");
  });
});

describe.runIf(binary.kind === "binary")("a server on the PATH", () => {
  test("runs privately on loopback with an append-only file, and leaves nothing", async () => {
    const redis = await provision(thisMachine(environment().PATH ?? ""));
    const client = new Redis(redis.url);
    const [, pid] = /process_id:(\d+)/.exec(await client.info("server")) ?? [];
    expect(await client.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
    expect(await client.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^redis-/)]);
    client.disconnect();
    await redis.stop();
    await redis.stop();
    expect(hasEnded(Number(pid))).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  test("that is older than 7.0 is passed over for a valkey-server", async () => {
    const path = binary.kind === "binary" ? binary.path : "";
    const redis = await provision({
      find: (command) =>
        command === "valkey-server" ? path : command === "redis-server" ? "/old/redis-server" : undefined,
      run: async (command) =>
        command === "/old/redis-server"
          ? done(0, "Redis server v=6.2.14 sha=00000000:0")
          : done(0, "Valkey server v=8.0.1 sha=00000000:0"),
    });
    expect(redis.origin).toMatch(/^valkey-server 8\.0\.1/);
    expect(await ping(redis.url)).toBe("PONG");
    await redis.stop();
  });
});

describe("Debian's package", () => {
  /** A machine with apt-get alone, where installing works at the given attempt. */
  function debian(worksAt: number, path: string) {
    const ran: string[] = [];
    let installs = 0;
    const machine: Partial<Machine> = {
      isRoot: true,
      find: (command) => {
        if (command === "apt-get") return "/usr/bin/apt-get";
        return command === "redis-server" && installs >= worksAt ? path : undefined;
      },
      run: async (command, args) => {
        ran.push([command, ...args].join(" "));
        if (args.includes("--version")) return done(0, "Redis server v=7.0.15 sha=00000000:0");
        if (!args.includes("install")) return done(0);
        installs += 1;
        return installs >= worksAt ? done(0) : done(100, "", "E: Unable to locate package redis-server");
      },
    };
    return { machine, ran };
  }

  test.runIf(binary.kind === "binary")(
    "is installed by root, without its service; lists are fetched when it is unknown",
    async () => {
      const { machine, ran } = debian(2, binary.kind === "binary" ? binary.path : "");
      const redis = await provision(machine);
      await redis.stop();
      const apt = ran.filter((command) => command.startsWith("apt-get"));
      expect(apt.map((command) => /(install|update)/.exec(command)?.[0])).toEqual(["install", "update", "install"]);
      expect(apt[0]).toContain("--path-exclude=/etc/init.d/redis-server");
      expect(apt[0]).toMatch(/install --yes --no-install-recommends redis-server$/);
    },
  );

  test("that cannot be installed is said so, with apt-get's last word", async () => {
    const { machine } = debian(99, "");
    await expect(provision(machine)).rejects.toThrow("apt-get could not install a new enough one (E: Unable to locate");
  });

  test("is left alone by others than root", async () => {
    const { machine, ran } = debian(1, "");
    await expect(provision({ ...machine, isRoot: false })).rejects.toThrow("No Redis 7.0 or newer");
    expect(ran).toEqual([]);
  });
});

describe("Docker", () => {
  test("a client without an engine is no Docker", async () => {
    const machine: Partial<Machine> = {
      find: (command) => (command === "docker" ? "/usr/bin/docker" : undefined),
      run: async (_, args) => done(args[0] === "info" ? 1 : 0),
    };
    await expect(provision(machine)).rejects.toThrow("No Redis 7.0 or newer");
  });

  test.runIf(binary.kind === "binary")("runs the compose file's Redis in the foreground, and removes it", async () => {
    // A docker that does what it is asked for by other means, and writes down what that was.
    const bin = await mkdtemp(join(tmpdir(), "toolgate-docker-"));
    const server = binary.kind === "binary" ? binary.path : "";
    const script = `#!/bin/sh\necho "$@" >> ${bin}/asked\ncase "$*" in *" up "*) exec ${server} --port $REDIS_PORT --save "" ;; esac\n`;
    await writeFile(join(bin, "docker"), script);
    await chmod(join(bin, "docker"), 0o755);
    const path = `${bin}:${environment().PATH}`;
    const real = thisMachine(path);
    const redis = await provision(
      {
        find: (command) => (command === "docker" ? join(bin, "docker") : undefined),
        run: (_, args) => real.run(join(bin, "docker"), args),
      },
      undefined,
      path,
    );
    expect(redis.origin).toBe("docker-compose.yml");
    expect(await ping(redis.url)).toBe("PONG");
    await redis.stop();
    await expect(ping(redis.url)).rejects.toThrow();
    const { stdout: asked } = await real.run("cat", [join(bin, "asked")]);
    expect(asked).toMatch(
      /compose --file .*docker-compose\.yml --project-name toolgate-local-\d+ up --no-log-prefix redis/,
    );
    expect(asked).toMatch(/down --volumes\n$/);
    await rm(bin, { recursive: true, force: true });
  });
});

test("without any Redis to be had, two lines say what is missing and what to do", async () => {
  const failure = await provision({}).catch((error: Error) => error.message);
  expect(String(failure).split("\n")).toEqual([
    "No Redis 7.0 or newer: REDIS_URL is not set, and no redis-server or valkey-server is on the PATH.",
    "Install one (Debian: apt-get install redis-server, macOS: brew install redis), start Docker, or set REDIS_URL=redis://host:6379.",
  ]);
});
