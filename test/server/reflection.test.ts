import type { ClientDuplexStream } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { expectNoLeaks } from "../support/leaks.js";
import { echoServer, GATEWAY } from "./echo-server.js";
import { type Answer, reflectionClient } from "./reflection-client.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  test("lists what the server serves", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const [answer] = await client.ask({ list_services: "" });
    expect(answer?.list_services_response?.service.map(({ name }) => name).sort()).toEqual([
      "grpc.health.v1.Health",
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

  test("names fields as the proto files do", async () => {
    await using echo = await echoServer();
    using client = reflectionClient(version, echo.address);
    const [answer] = await client.ask({ file_containing_symbol: GATEWAY });
    const text = Buffer.concat([...(answer?.file_descriptor_response?.file_descriptor_proto ?? [])]).toString("latin1");
    for (const field of ["payload_json", "call_id", "expect_digest"]) expect(text).toContain(field);
    expect(text).not.toContain("expectDigest");
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
    expect(answer?.list_services_response).toBeDefined();
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
