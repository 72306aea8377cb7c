import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { freePort, onFreePort } from "../../src/local-cluster/free-port.js";
import { ProgramError } from "../../src/local-cluster/program.js";
import { RedisMember } from "../../src/local-cluster/redis-member.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const TAKEN = new ProgramError("redis-server ended with status 1 before it was ready\n  bind: Address already in use");

let busy: Server;
let folder: string;
beforeEach(async () => {
  busy = createServer().listen(0, "127.0.0.1");
  await once(busy, "listening");
  folder = await mkdtemp(join(tmpdir(), "toolgate-ports-"));
});
afterEach(async () => {
  busy.close();
  await rm(folder, { recursive: true, force: true });
});

test("a free port is none that the system gives to an outgoing connection", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(ports.filter((port) => port < 10_000 || port >= 32_768)).toEqual([]);
});

test("a server that finds its port taken gets another one, some times", async () => {
  const tried: number[] = [];
  const launch = async (port: number): Promise<string> => {
    tried.push(port);
    if (tried.length < 3) throw TAKEN;
    return "up";
  };
  expect(await onFreePort(launch)).toBe("up");
  expect(tried).toHaveLength(3);
  await expect(onFreePort(() => Promise.reject(TAKEN))).rejects.toBe(TAKEN);
  const other = new ProgramError("redis-server ended with status 1");
  let launches = 0;
  const failing = onFreePort(() => {
    launches += 1;
    return Promise.reject(other);
  });
  await expect(failing).rejects.toBe(other);
  expect(launches).toBe(1);
});

test.runIf(inject("redisForTests").kind === "binary")(
  "a member of a Redis Cluster whose second port is taken gets two others, and keeps them",
  async () => {
    const source = inject("redisForTests");
    const taken = (busy.address() as AddressInfo).port; // it listens on TCP
    const given: number[] = [];
    const member = new RedisMember({
      binary: source.kind === "binary" ? source.path : "",
      folder: join(folder, "member"),
      readyText: "Ready to accept connections",
      args: (port, busPort) => {
        given.push(port);
        const bus = given.length === 1 ? taken : busPort;
        return ["--port", String(port), "--bind", "127.0.0.1", "--dir", join(folder, "member"), "--save", ""].concat([
          ...["--cluster-enabled", "yes", "--cluster-port", String(bus)],
        ]);
      },
    });
    try {
      await member.start();
      expect(given).toHaveLength(2);
      const { port, busPort } = member;
      expect(port).toBe(given[1]);
      await member.kill();
      await member.start();
      expect([member.port, member.busPort]).toEqual([port, busPort]);
    } finally {
      await member.stop();
    }
  },
);
