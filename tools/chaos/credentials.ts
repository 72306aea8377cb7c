import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import type { ToolsetName } from "../../src/identity/names.js";
import { plainName, tenantOf } from "../../src/identity/toolset-name.js";
import type { ApplyDocumentsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import { answerOf, type GatewayClient } from "./gateway-client.js";

/** The keys of one tenant. */
export interface TenantKeys {
  readonly agent: string;
  readonly provider: string;
}

/** A toolset's tenant, and its name within it. */
export function inTenant(toolset: string): { readonly tenant: string; readonly name: string } {
  const identity = toolset as ToolsetName; // one of the run's own
  return { tenant: tenantOf(identity), name: plainName(identity) };
}

/** The keys of a cluster whose callers must prove who they are: one for its administrator, and two for each tenant. */
export class Credentials {
  /** Of the nodes' administrator, who may read all calls. */
  readonly administrator = makeSecretToken("key", randomBytes).text;
  readonly #tenants = new Map<string, { readonly keys: TenantKeys; readonly documents: readonly object[] }>();

  /** @param toolsets by their identities, as `acme/orders`. */
  constructor(toolsets: readonly string[]) {
    for (const { tenant } of toolsets.map(inTenant)) if (!this.#tenants.has(tenant)) this.#add(tenant);
  }

  /** The keys by tenant. */
  get byTenant(): Readonly<Record<string, TenantKeys>> {
    return Object.fromEntries([...this.#tenants].map(([tenant, { keys }]) => [tenant, keys]));
  }

  /** The key of a toolset's provider. */
  providerOf(toolset: string): string {
    return this.#of(toolset).provider;
  }

  /** The key of those that call a toolset. */
  agentOf(toolset: string): string {
    return this.#of(toolset).agent;
  }

  /** Writes the administrator's key to a file, for the nodes to begin with. */
  writeBootstrap(file: string): void {
    writeFileSync(file, this.administrator, { mode: 0o600 });
  }

  /** Makes the tenants and their keys known, as an administrator does. */
  async apply({ documents }: GatewayClient): Promise<void> {
    const changes = [...this.#tenants.values()].flatMap((tenant) => tenant.documents);
    await answerOf<ApplyDocumentsResponse__Output>((callback) =>
      documents.applyDocuments({ changes, reason: "the run's tenants" }, callback),
    );
  }

  #of(toolset: string): TenantKeys {
    const found = this.#tenants.get(inTenant(toolset).tenant);
    if (found === undefined) throw new Error(`${toolset} is no toolset of this run`);
    return found.keys;
  }

  #add(tenant: string): void {
    const [agent, provider] = [makeSecretToken("key", randomBytes), makeSecretToken("key", randomBytes)];
    const key = (name: string, { id, hash }: { readonly id: string; readonly hash: string }) => ({
      ref: { tenant, kind: "key", name: `chaos-${name}` },
      bodyJson: json({ roles: [name], keys: [{ id, hash, createdAtMs: 0, expiresAtMs: 0 }] }),
    });
    const own = { ref: { tenant: "default", kind: "tenant", name: tenant }, bodyJson: json({}) };
    const documents = [...(tenant === "default" ? [] : [own]), key("agent", agent), key("provider", provider)];
    this.#tenants.set(tenant, { keys: { agent: agent.text, provider: provider.text }, documents });
  }
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
