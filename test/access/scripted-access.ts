import type { AccessControl, Credentials, Identity } from "../../src/access/access-control.js";
import type { CallerAccess } from "../../src/access/caller-access.js";
import { OPEN_ACCESS } from "../../src/access/open-access.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";

/** Access control by names: `Bearer ada` is Ada, for as long as she is known. */
export class ScriptedAccess implements AccessControl {
  readonly required = true;
  /** What each caller sees, as its view. */
  readonly known = new Map<string, string>();
  /** What was asked with. */
  readonly asked: Credentials[] = [];
  /** Everybody with a certificate is let in. */
  byCertificate = false;
  /** Before a caller's answer; none where it is known at once. */
  delay: (() => Promise<void>) | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(...names: string[]) {
    for (const name of names) this.known.set(name, "all");
  }

  authenticate(credentials: Credentials): Identity | Promise<Identity> {
    this.asked.push(credentials);
    const name = credentials.authorization?.replace(/^Bearer /, "") ?? "";
    const find = (): Identity => {
      if (name === "broken") throw new TypeError("hunter2 cannot be read");
      if (!this.known.has(name) && !(this.byCertificate && credentials.certificate !== undefined))
        throw new ToolgateError("UNAUTHENTICATED", "The credential does not hold.");
      return {
        principal: { tenant: DEFAULT_TENANT, id: name, kind: "key", roles: [], attributes: {} },
        credential: `key/${name}`,
        expiresAtMs: Number.POSITIVE_INFINITY,
      };
    };
    return this.delay === undefined ? find() : this.delay().then(find);
  }

  holds({ principal }: Identity): boolean {
    return this.byCertificate || this.known.has(principal.id);
  }

  current(identity: Identity): Identity | undefined {
    return this.holds(identity) ? identity : undefined;
  }

  accessOf(principal: CallerAccess["principal"]): CallerAccess {
    return { ...OPEN_ACCESS, principal, view: this.known.get(principal.id) ?? "" };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something has changed. */
  change(): void {
    for (const listener of this.#listeners) listener();
  }
}
