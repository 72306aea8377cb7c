import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { TlsFiles } from "../listening/tls-files.js";

/** What a gRPC server speaks: TLS by these files, which may change while it runs; plain HTTP/2 where there are none. */
export function serverCredentials(files: TlsFiles): ServerCredentials {
  if (!files.on) return ServerCredentials.createInsecure();
  const credentials = new FileCredentials(files.clientAuth, files.context);
  files.onChange((context) => credentials.use(context));
  return credentials;
}

/** Credentials whose certificates can be changed while they are used. */
class FileCredentials extends ServerCredentials {
  use(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
