import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthentication } from "../../../src/access/credentials/authentication.js";
import { allowList } from "../../../src/egress/allow-list.js";
import { createGuardedFetch } from "../../../src/egress/guarded-fetch.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { MemoryDocuments } from "./memory-documents.js";

/** Against an identity provider that others wrote: its configuration, its keys and its tokens are as they come. */

expectNoLeaks();

const RESOURCE = "https://toolgate.example";
let server: Server;
let issuer: string;

beforeAll(async () => {
  const { createServer } = await import("node:http");
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: "agent-1", client_secret: "a secret of the client's", redirect_uris: [], response_types: [] },
        grant_types: ["client_credentials"],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          ...{ audience: RESOURCE, scope: "tools:call", accessTokenFormat: "jwt", accessTokenTTL: 300 },
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function tokenOf(scope: string): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from("agent-1:a+secret+of+the+client%27s").toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", resource: RESOURCE, scope }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string }; // RFC 6749, 5.1
  return token;
}

test("its tokens stand for principals, by its own configuration and keys, where an operator allows its address", async () => {
  const documents = new MemoryDocuments();
  documents.put("issuer", "idp", {
    ...{ issuer, audiences: [RESOURCE], algorithms: ["RS256"], types: ["at+jwt"] },
    ...{ claims: { id: "client_id", roles: "scope" }, roles: { "tools:call": ["agent"] } },
  });
  const token = await tokenOf("tools:call");
  const authorization = `Bearer ${token}`;
  for (const [allow, holds] of [
    ["", false],
    ["127.0.0.1", true],
  ] as const) {
    const egress = createGuardedFetch({ allow: allowList(allow) });
    const authentication = createAuthentication({
      ...{ documents, fetch: egress, log: SILENT_LOGGER, faults: { warn() {} } },
      ...{ tenantHolds: () => true, clock: { nowMs: Date.now }, monotonicMs: () => performance.now() },
    });
    try {
      const entering = (async () => authentication.authenticate({ authorization, certificate: undefined, peer: "" }))();
      if (!holds) await expect(entering).rejects.toMatchObject({ reason: "UNAUTHENTICATED" });
      else {
        const { principal, credential } = await entering;
        expect(principal).toMatchObject({ id: "idp:agent-1", kind: "token", roles: ["agent"] });
        expect(credential).toMatch(`token/${issuer}#`);
      }
    } finally {
      authentication.stop();
      await egress.stop();
    }
  }
});
