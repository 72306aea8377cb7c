import type { ServiceDefinition } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { RPC_RULES, rulesOf } from "../../src/access/rpc-rules.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { loadNodeProtocol } from "../../src/protocol/load-node.js";

const { Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit } = loadProtocol();
const { Health, ServerReflection } = loadNodeProtocol();

const pathsOf = (definition: ServiceDefinition): string[] => Object.values(definition).map(({ path }) => path);
const SERVED = [Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit]
  .map(({ service }): ServiceDefinition => service)
  .concat([Health, ...ServerReflection])
  .flatMap(pathsOf);

test("every RPC of the wire contract has a rule, and every rule an RPC", () => {
  expect(Object.keys(RPC_RULES).sort()).toEqual([...SERVED].sort());
});

test("an RPC without a rule is refused", () => {
  expect(() => rulesOf(["/toolgate.v1.Gateway/Peek"])).toThrow(/Peek has no rule/);
  expect(() => rulesOf(["constructor"])).toThrow(/has no rule/);
});

test("a rule without its RPC is refused, where its service is served", () => {
  const gateway = pathsOf(Gateway.service);
  expect(rulesOf(gateway).size).toBe(gateway.length);
  expect(() => rulesOf(gateway.slice(1))).toThrow(/has a rule, and is not served/);
  expect(() => rulesOf(gateway, true)).toThrow(/has a rule, and is not served/);
  expect(rulesOf(SERVED, true).size).toBe(SERVED.length);
});

test("nobody may ask anything but for health and a login", () => {
  const open = Object.entries(RPC_RULES).filter(([, { needs }]) => needs === "nothing");
  expect(open.map(([path]) => path)).toEqual([
    "/toolgate.v1.Access/Login",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
  ]);
});
