import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { Connections } from "../../../src/front/grpc/connections.js";
import { HeldBytes } from "../../../src/front/listening/held-bytes.js";
import { FairQuota } from "../../../src/limits/fair-quota.js";
import { expectNoLeaks } from "../../support/leaks.js";

expectNoLeaks();

/** A socket of a peer that comes from one port; it is closed when it says so. */
class PeerSocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort = 40_000;
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

test("a peer that comes again from its port before its old socket is seen to be closed is not forgotten", async () => {
  const held = new HeldBytes({
    maxBytes: 1_000,
    maxConnectionBytes: 1_000,
    messageWithinMs: 60_000,
    readWithinMs: 60_000,
  });
  const connections = new Connections({ held, quota: new FairQuota(10, 10), prefaceWithinMs: 60_000 });
  const [old, again] = [new PeerSocket(), new PeerSocket()];
  for (const socket of [old, again]) expect(connections.accept(socket as unknown as Socket)).toBe(true);
  old.emit("close");
  const closed = connections.closed();
  connections.destroyAll();
  expect(again.destroyed).toBe(true);
  await closed;
});
