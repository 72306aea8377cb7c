import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { loadProtocol, MESSAGE_FORM } from "../../src/protocol/load.js";
import { loadNodeProtocol } from "../../src/protocol/load-node.js";
import { protoFiles, protoFolder } from "../support/proto-folder.js";

describe("loadProtocol", () => {
  test("is read once", () => {
    expect(loadProtocol()).toBe(loadProtocol());
  });

  test("gives numbers, enum names, Buffers and defaults", () => {
    const { Gateway } = loadProtocol();
    const { responseSerialize, responseDeserialize } = Gateway.service.GetCall;
    const answer = responseDeserialize(
      responseSerialize({
        handle: { callId: "c", epoch: 2 ** 52 },
        terminal: { kind: "TERMINAL_KIND_RESULT", resultJson: "e30=" },
      }),
    );
    expect(answer.handle).toMatchObject({ callId: "c", epoch: 2 ** 52, toolset: "" });
    expect(answer.state).toBe("CALL_STATE_UNSPECIFIED");
    expect(answer.terminal?.kind).toBe("TERMINAL_KIND_RESULT");
    expect(answer.terminal?.resultJson).toEqual(Buffer.from("{}"));
    expect(answer.terminal?.error).toBeNull();
  });

  test("encodes error details", () => {
    const { rpc } = loadProtocol();
    const bytes = rpc.ErrorInfo.serialize({ reason: "INTERNAL", domain: "toolgate", metadata: { executed: "no" } });
    expect(rpc.ErrorInfo.deserialize(bytes)).toEqual({
      reason: "INTERNAL",
      domain: "toolgate",
      metadata: { executed: "no" },
    });
  });

  test("is what the proto files say, though none is read", () => {
    const { Registry, Catalog, Gateway, DeadCalls } = loadProtocol();
    const { Health, ServerReflection } = loadNodeProtocol();
    // The generated definitions have no index signature of their own.
    const ours: unknown[] = [
      Registry.service,
      Catalog.service,
      Gateway.service,
      DeadCalls.service,
      Health,
      ...ServerReflection,
    ];
    const theirs = loadSync(protoFiles(""), { ...MESSAGE_FORM, includeDirs: [protoFolder] });
    for (const service of ours as ServiceDefinition[]) {
      const [, name = ""] = Object.values(service)[0]?.path.split("/") ?? [];
      expect(shape(service)).toEqual(shape(theirs[name] as ServiceDefinition));
    }
    const { google } = loadPackageDefinition(theirs) as unknown as {
      google: { rpc: Record<string, { type: object }> };
    };
    for (const [name, { type }] of Object.entries(loadProtocol().rpc)) expect(type).toEqual(google.rpc[name]?.type);
  });
});

/** What a service's methods are called, and the descriptors of their messages. */
function shape(service: ServiceDefinition): object[] {
  return Object.values(service).map(({ path, requestStream, responseStream, requestType, responseType }) => ({
    path,
    requestStream,
    responseStream,
    request: requestType.type,
    response: responseType.type,
  }));
}
