import { open } from "node:fs/promises";
import { join } from "node:path";
import type { TenantName } from "../identity/tenant.js";
import type { SecretValues } from "../observe/secret-values.js";
import { parseSigningSecret, type SigningSecret } from "./signature.js";

/** More than a secret in writing has, in bytes. */
const MAX_FILE_BYTES = 256;

/** Secrets, or why there are none: the rest of a sentence, with nothing of what was read. */
export type SecretsReading =
  | { readonly kind: "read"; readonly secrets: readonly SigningSecret[] }
  | { readonly kind: "missing"; readonly why: string };

/**
 * Reads what a webhook's messages are signed with: files of the tenant's own folder, which its documents name and never have. They are read for
 * each message, so that one that is changed is used at once.
 */
export class SigningSecrets {
  readonly #folder: string;
  readonly #hidden: Pick<SecretValues, "add">;

  /** @param folder that of all tenants @param hidden keeps what is read out of logs */
  constructor(folder: string, hidden: Pick<SecretValues, "add">) {
    this.#folder = folder;
    this.#hidden = hidden;
  }

  /** @param names of files, as the document's schema lets them through: without a slash, and not beginning with a dot */
  async read(tenant: TenantName, names: readonly string[]): Promise<SecretsReading> {
    const secrets: SigningSecret[] = [];
    for (const name of names) {
      const text = await readText(join(this.#folder, tenant, name));
      if (text === undefined) return { kind: "missing", why: `the file ${tenant}/${name} cannot be read` };
      const secret = parseSigningSecret(text);
      if (secret === undefined)
        return { kind: "missing", why: `the file ${tenant}/${name} is no secret: whsec_ and 24 to 64 bytes in Base64` };
      this.#hidden.add(text);
      secrets.push(secret);
    }
    return { kind: "read", secrets };
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
      return buffer.toString("utf8", 0, bytesRead).trim();
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
