import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { ProgramError } from "./program.js";

/**
 * Where free ports are looked for: above those of well-known services, below those that systems give to outgoing connections
 * (Linux from 32768, others from 49152). One of these would be taken by any client while its server restarts.
 */
const [FIRST, END] = [10_000, 32_768];

/** A port that was free can be taken by another process before the server binds it; that seldom happens twice. */
const ATTEMPTS = 5;

/** A loopback port that was free a moment ago: the caller must be ready to find it taken, and ask again. */
export async function freePort(): Promise<number> {
  return (await tryPort(randomInt(FIRST, END))) ?? (await freePort());
}

/**
 * Launches a server on a free port; on others, when it finds its port taken.
 *
 * @throws what `launch` throws otherwise, or the last time.
 */
export async function onFreePort<T>(launch: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(await freePort());
    } catch (error) {
      const isTaken = error instanceof ProgramError && error.message.includes("Address already in use");
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The port if it is free on loopback, 0 meaning any; undefined if another process listens there. */
export function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const found = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
