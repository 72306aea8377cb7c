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

test("what is no list is said to be none", () => {
  for (const text of ["", "a.example", "10.0.0.0/8,b", "::1"]) expect(allowListFault(text), text).toBeUndefined();
  for (const text of ["https://a.example", "10.0.0.0/33", "*", "a b", "-a"])
    expect(allowListFault(text), text).toBeDefined();
});

test("public is what anybody may have", () => {
  for (const address of ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
    expect(isPublicAddress(address), address).toBe(true);
  for (const address of ["127.0.0.1", "", "x", "::ffff:127.0.0.1"])
    expect(isPublicAddress(address), address).toBe(false);
});
