import { expect, test } from "vitest";
import { listDeadCalls, MAX_DEAD_BYTES } from "../../../src/store/calls/dead-calls.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { redisForFile } from "../../support/redis.js";
import { until } from "../../support/until.js";
import { contractOf, keys, registrationOf, registryStore, serve, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callStore, take } from "./calls-fixture.js";

expectNoLeaks();
const redis = redisForFile();

test("dead calls with large payloads are kept up to a size, the latest of them", async () => {
  const client = redis().client();
  const store = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 }, maxAttempts: 1 });
  const provider = await serve(registryStore(client), registrationOf(contractOf("1.0.0")));
  const payload = Buffer.alloc(MAX_DEAD_BYTES / 8, "x");
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) {
    const call = admissionOf(provider, { delivery: "idempotent", payload });
    ids.push(call.id);
    await admit(store, call);
    await take(store, provider.lease);
    await until("it was given up", async () => (await settleCalls(store, keys)).ended === 1);
  }
  expect(await client.call("MEMORY", "USAGE", keys.dead(TOOLSET))).toBeLessThanOrEqual(MAX_DEAD_BYTES);
  const kept = (await listDeadCalls(store, TOOLSET, "", 100)).map(({ callId }) => callId);
  expect(kept.length).toBeGreaterThanOrEqual(4);
  expect(kept).toEqual(ids.slice(-kept.length).reverse());
  client.disconnect();
});
