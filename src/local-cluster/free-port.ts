import { createServer } from "node:net";

/** A loopback port that was free a moment ago: the caller must be ready to find it taken, and ask again. */
export async function freePort(): Promise<number> {
  return (await tryPort(0)) ?? (await freePort());
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
