import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Identity } from "../../src/access/access-control.js";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import { NOBODY } from "../../src/access/nobody.js";
import { ANONYMOUS_IDENTITY, OPEN_ACCESS } from "../../src/access/open-access.js";
import { RegistryAccess, type RegistryAccessOptions } from "../../src/access/registry-access.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { ANONYMOUS, type Principal } from "../../src/identity/principal.js";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";

const ADA: Identity = {
  principal: { tenant: DEFAULT_TENANT, id: "ada", kind: "key", roles: ["agent"], attributes: {} },
  credential: "key/a",
  expiresAtMs: 1_000,
};
const NONE = { authorization: undefined, certificate: undefined, peer: "127.0.0.1:1" };
const BY_KEY = { ...NONE, authorization: "Bearer ada" };

/** A registry of which tests say what it has. */
function registry(mode: RegistryAccessOptions["mode"], more: Partial<RegistryAccessOptions> = {}) {
  const world = { credentials: 0, nowMs: 0, asked: [] as Principal[], lines: [] as object[] };
  let announce = (): void => {};
  const access = new RegistryAccess({
    mode,
    bootstraps: false,
    exposed: false,
    authentication: {
      authenticate: ({ authorization }) => {
        if (authorization === BY_KEY.authorization) return ADA;
        throw new ToolgateError("UNAUTHENTICATED", "no");
      },
      current: (identity) => (world.credentials > 0 ? identity : undefined),
    },
    policy: {
      accessOf: (principal) => {
        world.asked.push(principal);
        return { ...OPEN_ACCESS, principal };
      },
    },
    hasCredentials: () => world.credentials > 0,
    onDocuments: (listener) => {
      announce = listener;
      return () => {};
    },
    refresh: async () => {},
    nowMs: () => world.nowMs,
    log: {
      info: (line: object) => world.lines.push(line),
      warn: (line: object) => world.lines.push({ warn: true, ...line }),
    },
    ...more,
  });
  access.start();
  return { access, world, change: () => announce() };
}

test("under auto, a registry without credentials is open and says so once; its first credential closes it for good", () => {
  const { access, world, change } = registry("auto");
  expect(world.lines).toEqual([{ event: "access_open", auth: "auto", exposed: false }]);
  expect(access.required).toBe(false);
  expect(access.authenticate(BY_KEY)).toBe(ANONYMOUS_IDENTITY);
  expect(access.holds(ANONYMOUS_IDENTITY)).toBe(true);
  expect(access.accessOf(ANONYMOUS)).toBe(OPEN_ACCESS);
  let changes = 0;
  access.onChange(() => changes++);
  change();
  expect(access.required).toBe(false);
  world.credentials = 1;
  change();
  expect(changes).toBe(2);
  expect(access.required).toBe(true);
  expect(() => access.authenticate(NONE)).toThrow(expect.objectContaining({ reason: "UNAUTHENTICATED" }));
  expect(access.authenticate(BY_KEY)).toBe(ADA);
  world.credentials = 0;
  change();
  expect(access.required, "it lost its documents").toBe(true);
  expect(world.lines.slice(1)).toEqual([{ event: "access_closed" }]);
});

test("who came while it was open is nobody once it is closed", () => {
  const { access, world, change } = registry("auto");
  world.credentials = 1;
  change();
  expect(access.holds(ANONYMOUS_IDENTITY)).toBe(false);
  expect(access.current(ANONYMOUS_IDENTITY)).toBeUndefined();
  access.accessOf(ANONYMOUS);
  expect(world.asked).toEqual([NOBODY.principal]);
});

test.each([
  ["required", {}],
  ["auto", { bootstraps: true }],
] as const)("under %s with %j, it is closed from the beginning", (mode, more) => {
  const { access, world } = registry(mode, more);
  expect(access.required).toBe(true);
  expect(world.lines).toEqual([]);
  expect(() => access.authenticate(NONE)).toThrow(expect.objectContaining({ reason: "UNAUTHENTICATED" }));
});

test("under none, it stays open, which is a warning where others can reach it", () => {
  const { access, world, change } = registry("none", { exposed: true });
  world.credentials = 1;
  change();
  expect(access.authenticate(NONE)).toBe(ANONYMOUS_IDENTITY);
  expect(world.lines).toEqual([{ warn: true, event: "access_open", auth: "none", exposed: true }]);
});

test("a credential holds until it expires, by the registry's clock", () => {
  const { access, world } = registry("required");
  world.nowMs = 999;
  expect(access.holds(ADA)).toBe(true);
  world.nowMs = 1_000;
  expect(access.holds(ADA)).toBe(false);
  expect(access.holds({ ...ADA, expiresAtMs: Number.POSITIVE_INFINITY })).toBe(true);
});

test("a key that is not known is looked for once more, and all that come with one share the look", async () => {
  const made = makeSecretToken("key", randomBytes).text;
  let known = false;
  let looks = 0;
  const { access } = registry("required", {
    authentication: {
      authenticate: ({ authorization }) => {
        if (known && authorization === `Bearer ${made}`) return ADA;
        throw new ToolgateError("UNAUTHENTICATED", "no");
      },
      current: (identity) => identity,
    },
    refresh: async () => {
      looks++;
      known = true;
    },
  });
  const others = Array.from({ length: 50 }, () => makeSecretToken("key", randomBytes).text);
  const asked = [made, ...others].map(async (key) => access.authenticate({ ...NONE, authorization: `Bearer ${key}` }));
  const [first, ...rest] = await Promise.allSettled(asked);
  expect(first).toEqual({ status: "fulfilled", value: ADA });
  expect(rest.every(({ status }) => status === "rejected")).toBe(true);
  expect(looks).toBe(1);
  expect(() => access.authenticate({ ...NONE, authorization: `Bearer ${made.slice(0, -1)}` })).toThrow();
  expect(looks).toBe(1);
});
