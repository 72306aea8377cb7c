import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/** The commands that a Redis executes, as MONITOR shows them. */
export interface RedisMonitor extends Disposable {
  /** `<time> [<database> <client>] "<command>" "<argument>" …`, in order, since the monitor began. */
  readonly lines: readonly string[];
}

/**
 * Begins to listen to a Redis without a password. `Redis.monitor` of ioredis cannot be used while others ask much: it takes a
 * line that arrives together with the answer to MONITOR for the answer to a command that it never sent.
 */
export async function monitorRedis(url: string): Promise<RedisMonitor> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const lines: string[] = [];
  const reader = createInterface({ input: socket });
  const answered = once(reader, "line");
  reader.on("line", (line) => lines.push(line.slice(1)));
  socket.write("MONITOR\r\n");
  const [answer] = (await answered) as [string]; // what readline gives
  if (answer !== "+OK") throw new Error(`MONITOR was answered with ${answer}`);
  return {
    lines,
    [Symbol.dispose]: () => {
      reader.close();
      socket.destroy();
    },
  };
}
