import { expect, test } from "vitest";
import { peerHost } from "../../src/limits/peer-host.js";

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1:2%eth0", "fe80:0:0:0"],
])("%s is of host %s", (address, host) => {
  expect(peerHost(address)).toBe(host);
});
