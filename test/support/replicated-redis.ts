import type { Redis } from "ioredis";
import { TcpProxy } from "../../tools/chaos/tcp-proxy.js";
import { privateRedis, type TestRedis } from "./redis.js";
import { until } from "./until.js";

/** A master and its replica, for one test file. */
export interface ReplicatedRedis {
  readonly master: TestRedis;
  readonly replica: TestRedis;
  /** Cuts the replica off, without either of them noticing: what is written from now on does not reach it. */
  cut(): void;
  /** Ends the master and makes the replica the master, with what it has. */
  failOver(): Promise<void>;
  /** Starts the master that was ended as a replica of the new one, and resolves when it is in step. */
  rejoin(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a master and one replica of it, and resolves when the replica is in step. */
export async function replicatedRedis(): Promise<ReplicatedRedis> {
  const args = ["--repl-diskless-sync-delay", "0"];
  let [master, replica] = await Promise.all([privateRedis({ args }), privateRedis({ args })]);
  const link = new TcpProxy(() => Number(new URL(master.url).port));
  await link.start();
  await follow();

  async function ask<Answer>(redis: TestRedis, question: (client: Redis) => Promise<Answer>): Promise<Answer> {
    const client = redis.client();
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async function follow(): Promise<void> {
    await ask(replica, async (client) => {
      await client.replicaof("127.0.0.1", link.port);
      await until("the replica is in step", async () => /master_link_status:up/.test(await client.info("replication")));
    });
  }

  return {
    get master() {
      return master;
    },
    get replica() {
      return replica;
    },
    cut: () => link.set("swallow"),
    failOver: async () => {
      await master.kill();
      [master, replica] = [replica, master];
      await ask(master, (client) => client.call("REPLICAOF", "NO", "ONE"));
    },
    rejoin: async () => {
      await replica.restart();
      link.set("pass");
      await follow();
    },
    stop: async () => {
      await link.stop();
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
