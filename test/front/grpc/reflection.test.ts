import type { ClientDuplexStream } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { expectNoLeaks } from "../../support/leaks.js";
import { protoFiles } from "../../support/proto-folder.js";
import { protocDescriptors } from "../../support/protoc-descriptors.js";
import { echoServer, GATEWAY } from "./echo-server.js";
import { type Answer, reflectionClient } from "./reflection-client.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

const REGISTRY_FILES = ["toolgate/v1/registry.proto", "toolgate/v1/contract.proto", "toolgate/v1/gateway.proto"];

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  test("lists what the server serves", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const [answer] = await client.ask({ list_services: "" });
    expect(answer?.list_services_response?.service.map(({ name }) => name).sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      GATEWAY,
    ]);
  });

  test("describes a service so that a client can be made from it", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const [answer] = await client.ask({ file_containing_symbol: GATEWAY });
    const files = answer?.file_descriptor_response?.file_descriptor_proto ?? [];
    const set = Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...varint(file.length)]), file]));
    expect(Object.keys(loadFileDescriptorSetFromBuffer(set)[GATEWAY] ?? {})).toContain("Invoke");
  });

  test("describes each file to the byte as protoc does", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const files = protocDescriptors();
    const answers = await client.ask(...files.map(({ name }) => ({ file_by_filename: name })));
    for (const [at, { name, bytes }] of files.entries()) {
      const [first] = answers[at]?.file_descriptor_response?.file_descriptor_proto ?? [];
      expect(first?.equals(bytes), name).toBe(true);
    }
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...protoFiles(""), "google/protobuf/any.proto"]),
    );
  });

  test("finds all that a file declares, and sends the file with all that it imports", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const declared = {
      "google.rpc.ErrorInfo": ["google/rpc/error_details.proto", "google/protobuf/duration.proto"],
      "google.rpc.ErrorInfo.MetadataEntry": ["google/rpc/error_details.proto", "google/protobuf/duration.proto"],
      "grpc.health.v1.HealthCheckResponse.ServingStatus": ["grpc/health/v1/health.proto"],
      "grpc.health.v1.HealthCheckResponse.SERVING": ["grpc/health/v1/health.proto"],
      "toolgate.v1.ToolAnnotations.read_only_hint": ["toolgate/v1/contract.proto"],
      "toolgate.v1.ProviderResult.outcome": REGISTRY_FILES,
      "toolgate.v1.Registry.Attach": REGISTRY_FILES,
      "toolgate.v1.EPOCH_STATE_ACTIVE": ["toolgate/v1/contract.proto"],
    };
    const answers = await client.ask(...Object.keys(declared).map((name) => ({ file_containing_symbol: name })));
    const known = protocDescriptors();
    const found = answers.map(({ file_descriptor_response }) =>
      file_descriptor_response?.file_descriptor_proto.map(
        (file) => known.find(({ bytes }) => bytes.equals(file))?.name,
      ),
    );
    expect(found).toEqual(Object.values(declared));
  });

  test("odd questions get an error each, and the server lives", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const odd = ["nowhere", "__proto__", "constructor", "toString", ""];
    const answers = await client.ask(
      ...odd.map((name) => ({ file_containing_symbol: name })),
      ...odd.map((name) => ({ file_by_filename: name })),
      ...odd.map((name) => ({ file_containing_extension: { containing_type: name, extension_number: 1 } })),
      ...odd.map((name) => ({ all_extension_numbers_of_type: name })),
      {},
    );
    expect(answers).toHaveLength(21);
    const [answer] = await client.ask({ list_services: "" });
    expect(answer?.list_services_response?.service.map(({ name }) => name)).toContain("toolgate.v1.Gateway");
  });

  test("a stream that was left open ends when the node drains", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const stream = client.open();
    const end = endOf(stream as ClientDuplexStream<never, Answer>); // only read here
    stream.write({ list_services: "" });
    await new Promise((resolve) => stream.once("data", resolve));
    await echo.server.stop(60_000);
    expect((await end).error).toBeUndefined();
  });
});

/** A length as Protocol Buffers write it. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
