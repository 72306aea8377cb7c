import { expect, test } from "vitest";
import type { ToolsetView } from "../../src/catalog/toolset-view.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { type PlainToolsetName, parseToolsetName } from "../../src/identity/names.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { readCall } from "../../src/store/calls/read-call.js";
import { register } from "../../src/store/registry/register.js";
import type { Leader } from "../../src/upkeep/leader.js";
import { Maintenance } from "../../src/upkeep/maintenance.js";
import { admissionOf, admit, callStore } from "../store/calls/calls-fixture.js";
import { contractOf, LONG_MS, registrationOf, registryStore } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";

expectNoLeaks();
const redis = redisForFile();

test("calls of one toolset that cannot be reassigned do not keep those of others waiting", async () => {
  const client = redis().client();
  const [registry, calls] = [registryStore(client), callStore(client)];
  const orphaned = async (toolset: PlainToolsetName) => {
    const sealed = sealContract({ ...contractOf("1.0.0").contract, name: toolset });
    const call = admissionOf(await register(registry, registrationOf(sealed)), { toolset, wait: true });
    await admit(calls, call);
    const retiring = [{ epoch: call.destination.epoch, health: { liveUntilMs: 0 } }];
    return { id: call.id, view: { name: toolset, epochs: [], retiring } as unknown as ToolsetView }; // what maintenance looks at
  };
  const [broken, sound] = [
    await orphaned(parseToolsetName("a", "name")),
    await orphaned(parseToolsetName("b", "name")),
  ];
  const maintenance = new Maintenance({
    ...{ registry, calls, leader: { leads: true } as Leader, clock: { nowMs: () => Date.now() } },
    ...{ rule: { intervalMs: 1_000, missed: 3 }, lingerMs: LONG_MS, log: SILENT_LOGGER, faults: SILENT_FAULTS },
    toolsets: () => [broken.view, sound.view],
    destinationOf: async (toolset) => {
      if (toolset === "a") throw new Error("its schema cannot be used");
      return undefined;
    },
  });
  await maintenance.run();
  expect((await readCall(calls, broken.id, {}))?.state).toBe("queued");
  expect((await readCall(calls, sound.id, {}))?.ending).toMatchObject({ kind: "not_executed", reason: "EPOCH_GONE" });
  client.disconnect();
});
