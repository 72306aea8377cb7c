import { randomBytes } from "node:crypto";
import { type Authentication, createAuthentication } from "../../../src/access/credentials/authentication.js";
import { makeSecretToken } from "../../../src/access/credentials/secret-token.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { createLogger } from "../../../src/observe/logger.js";
import type { FaultFields } from "../../../src/observe/recurring-faults.js";
import { MemoryDocuments } from "./memory-documents.js";

/** A key of a principal, written as the use cases write it. */
export function putKey(
  documents: MemoryDocuments,
  name: string,
  more: {
    readonly roles?: readonly string[];
    readonly tenant?: string;
    readonly expiresAtMs?: number;
    readonly disabled?: boolean;
    readonly attributes?: Readonly<Record<string, string>>;
  } = {},
): { readonly text: string; readonly id: string; readonly hash: string } {
  const { roles = ["agent"], tenant = "default", expiresAtMs = 0, ...rest } = more;
  const { text, id, hash } = makeSecretToken("key", randomBytes);
  const keys = [{ id, hash, createdAtMs: 1, expiresAtMs }];
  documents.put("key", name, { roles, ...rest, keys }, tenant as TenantName);
  return { text, id, hash };
}

/** An authentication over documents in memory, with a clock that is set, and what it logged. */
export class TestAuthentication {
  readonly documents = new MemoryDocuments();
  readonly lines: string[] = [];
  readonly uses: string[] = [];
  readonly missingTenants = new Set<string>();
  readonly authentication: Authentication;
  nowMs = 1_000_000;
  readonly faults: FaultFields[] = [];
  /** What was fetched, and what answers; nothing is there unless said. */
  readonly fetched: string[] = [];
  answer: (url: string) => unknown = () => {
    throw new Error("nothing is there");
  };

  constructor() {
    this.authentication = createAuthentication({
      documents: this.documents,
      tenantHolds: (tenant) => !this.missingTenants.has(tenant),
      clock: { nowMs: () => this.nowMs },
      log: createLogger({ level: "debug", to: { write: (line) => this.lines.push(line) } }),
      faults: { warn: (fields) => void this.faults.push(fields) },
      fetch: { getJson: (url) => this.getJson(url) },
      monotonicMs: () => this.nowMs,
      onKeyUsed: (id) => this.uses.push(id),
    });
  }

  /** Who a request with this header is by. */
  bearer(text: string) {
    return this.with(`Bearer ${text}`);
  }

  async getJson(url: string): Promise<Buffer> {
    this.fetched.push(url);
    return Buffer.from(JSON.stringify(await this.answer(url)));
  }

  with(authorization: string | undefined, certificate?: Buffer) {
    return this.authentication.authenticate({ authorization, certificate, peer: "192.0.2.1:1" });
  }
}
