import { expect, test } from "vitest";
import { allowList, isPublicAddress } from "../../src/egress/allow-list.js";
import { allowListFault } from "../../src/egress/allow-list-fault.js";

test("hosts, addresses and ranges are told apart", () => {
  const list = allowList(" id.internal, 10.1.0.0/16,::1 , fd00::/8 ");
  expect(list.allowsHost("ID.internal")).toBe(true);
  expect(list.allowsHost("x.id.internal")).toBe(false);
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "::1", "fd12::1"]) {
    expect(list.allowsAddress(address), address).toBe(true);
  }
  for (const address of ["10.2.0.1", "::2", "127.0.0.1", "id.internal", ""]) {
    expect(list.allowsAddress(address), address).toBe(false);
  }
  expect(allowList("").allowsHost("")).toBe(false);
});

test("an entry with a port allows that port alone", () => {
  const list = allowList("id.internal:8443, 10.1.0.5:8080, [::1]:9000, [fd00::1], 10.2.0.0/16, other.internal");
  expect([8443, 443, undefined].map((port) => list.allowsHost("ID.internal", port))).toEqual([true, false, false]);
  expect([8080, 8081, undefined].map((port) => list.allowsAddress("10.1.0.5", port))).toEqual([true, false, false]);
  expect([9000, 9001].map((port) => list.allowsAddress("::1", port))).toEqual([true, false]);
  expect(list.allowsAddress("::ffff:10.1.0.5", 8080)).toBe(true);
  // Without a port they allow every one.
  expect(list.allowsAddress("fd00::1", 1)).toBe(true);
  expect(list.allowsAddress("10.2.3.4", 1)).toBe(true);
  expect(list.allowsHost("other.internal", 1)).toBe(true);
});

test("what is no list is said to be none", () => {
  for (const text of ["", "a.example", "10.0.0.0/8,b", "::1", "a:80,10.0.0.1:65535", "[::1]:1,[::1]"])
    expect(allowListFault(text), text).toBeUndefined();
  for (const text of [
    "https://a.example",
    "10.0.0.0/33",
    "*",
    "a b",
    "-a",
    "a:0",
    "a:65536",
    "a:",
    ":80",
    "10.0.0.0/8:80",
    "[a]:80",
    "[10.0.0.1]",
    "[::1",
  ])
    expect(allowListFault(text), text).toBeDefined();
});

test("public is what anybody may have", () => {
  for (const address of ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
    expect(isPublicAddress(address), address).toBe(true);
  for (const address of ["127.0.0.1", "", "x", "::ffff:127.0.0.1"])
    expect(isPublicAddress(address), address).toBe(false);
});
