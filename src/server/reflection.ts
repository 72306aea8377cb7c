import type { Server, ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import { loadDescriptors } from "../protocol/load.js";
import { bidi, type Service } from "./methods.js";

/** The part of a stream that @grpc/reflection uses. */
interface ReflectionStream {
  on(event: string, listener: (message: unknown) => void): void;
  write(answer: unknown): void;
  end(): void;
}

type ReflectionHandler = (stream: ReflectionStream) => void;

/**
 * Server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md), v1 and v1alpha, of the services
 * that are named: what grpcurl and its like ask for.
 *
 * @grpc/reflection answers; our own streams carry it, so that a client that asks without reading has to wait, and the
 * streams end when the node drains.
 */
export function reflectionServices(names: readonly string[]): Service[] {
  // With the names of the proto files: descriptors of what we use ourselves have camelCase ones, and a client made from
  // those would drop every field that it names as the files do.
  const described = { ...loadDescriptors(), ...loadSync(healthProto, { keepCase: true }) };
  const reflection = new ReflectionService(described, { services: [...names] });
  const services: Service[] = [];
  const registrar = {
    addService(definition: ServiceDefinition, handlers: Record<string, ReflectionHandler>) {
      const handler = handlers.ServerReflectionInfo;
      if (handler !== undefined) services.push({ definition, methods: { ServerReflectionInfo: carry(handler) } });
    },
  };
  // It calls this one method, with these arguments; both are fixed by its version.
  reflection.addToServer(registrar as unknown as Server);
  return services;
}

function carry(handler: ReflectionHandler) {
  return bidi<unknown, unknown>((stream) => {
    let answer: (question: unknown) => void = () => {};
    handler({
      on(event, listener) {
        if (event === "data") answer = listener;
        if (event === "end") stream.onPeerEnd(() => listener(undefined));
      },
      write(message) {
        if (stream.send(message)) return;
        stream.pause();
        void stream.drained().then(() => stream.resume());
      },
      end: () => stream.end(),
    });
    stream.onFrame(answer);
    const leave = () => stream.end();
    stream.draining.addEventListener("abort", leave);
    stream.onOver(() => stream.draining.removeEventListener("abort", leave));
  });
}
