import type { Server, ServerCredentials } from "@grpc/grpc-js";

/** Listens on loopback, and prints where. */
export function listen(server: Server, credentials: ServerCredentials): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
      if (error) return reject(error);
      console.log(JSON.stringify({ event: "listening", address: `127.0.0.1:${port}` }));
      resolve();
    });
  });
}
