import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import type { ApplyDocumentsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import type { CreateKeyResponse__Output } from "../../src/protocol/generated/toolgate/v1/CreateKeyResponse.js";
import type { SetPasswordResponse__Output } from "../../src/protocol/generated/toolgate/v1/SetPasswordResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { callMetadata } from "./callers/client.js";
import type { Gateway, GatewayOptions, Stage } from "./stage.js";

/** A document of any kind. */
export interface BenchDocument {
  readonly kind: string;
  readonly name: string;
  readonly body: object;
}

/** A node that asks everybody who he is, and the one who may give out keys to it. */
export interface ClosedGateway {
  readonly gateway: Gateway;
  readonly administrator: Administrator;
}

/** Starts a node with `auth=required`. */
export async function closedGateway(
  stage: Stage,
  { flags = [], ...options }: Omit<GatewayOptions, "dist">,
): Promise<ClosedGateway> {
  const bootstrap = makeSecretToken("key", randomBytes).text;
  const folder = mkdtempSync(join(tmpdir(), "toolgate-bench-key-"));
  try {
    const file = join(folder, "key");
    writeFileSync(file, bootstrap, { mode: 0o600 });
    const closed = ["--auth", "required", "--bootstrap-key-file", file, ...flags];
    const gateway = await stage.gateway({ ...options, flags: closed });
    return { gateway, administrator: new Administrator(gateway.address, bootstrap) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Gives out keys and changes documents, as a bare grpc-js client. */
export class Administrator {
  readonly #access;
  readonly #documents;
  readonly #metadata;

  constructor(address: string, key: string) {
    const { Access, Documents } = loadProtocol();
    this.#access = new Access(address, credentials.createInsecure());
    this.#documents = new Documents(address, credentials.createInsecure());
    this.#metadata = callMetadata(key);
  }

  close(): void {
    this.#access.close();
    this.#documents.close();
  }

  /** A key for a principal of these roles, which is named after the first. */
  async createKey(tenant: string, ...roles: readonly [string, ...string[]]): Promise<string> {
    const request = { tenant, principal: `bench-${roles[0]}`, roles: [...roles] };
    const { key } = await answer<CreateKeyResponse__Output>((callback) =>
      this.#access.createKey(request, this.#metadata, callback),
    );
    return key;
  }

  async setPassword(user: string, password: string): Promise<void> {
    const request = { user, password, roles: ["agent"] };
    await answer<SetPasswordResponse__Output>((callback) =>
      this.#access.setPassword(request, this.#metadata, callback),
    );
  }

  async apply(tenant: string, documents: readonly BenchDocument[]): Promise<void> {
    const changes = documents.map(({ kind, name, body }) => ({
      ref: { tenant, kind, name },
      bodyJson: Buffer.from(JSON.stringify(body)),
    }));
    await answer<ApplyDocumentsResponse__Output>((callback) =>
      this.#documents.applyDocuments({ changes }, this.#metadata, callback),
    );
  }
}

function answer<Answer>(
  send: (callback: (error: ServiceError | null, answer?: Answer) => void) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error("the node answered nothing"));
      else resolve(response);
    });
  });
}
