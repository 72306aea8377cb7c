// An application that traces itself, as one would set it up: `agent` calls tools, `provider` serves them. Run against the build.
//
//   node traced-application.mjs agent|provider <nodes> <collector> [calls of the agent, as JSON]
import { context, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { connect, serveToolset } from "../../dist/src/index.js";

const [role, nodes, collector, calls = "[]"] = process.argv.slice(2);

const makeProvider = (ratio) =>
  new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": role }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${collector}/v1/traces` }))],
  });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const provider = makeProvider(1);
trace.setGlobalTracerProvider(provider);
const own = trace.getTracer("application");
const unsampling = makeProvider(0).getTracer("application");

if (role === "provider") {
  const serving = await serveToolset(
    {
      name: "traced",
      version: "1.0.0",
      description: "Says what it knows of its trace.",
      tools: {
        tell: {
          description: "Works within a span of its own.",
          payload: { type: "object" },
          run: async (_input, { traceparent }) => {
            await new Promise((resolve) => setImmediate(resolve));
            return own.startActiveSpan("own work", (span) => {
              span.end();
              return { traceparent, own: span.isRecording() || span.spanContext().traceFlags === 1 };
            });
          },
        },
        fail: {
          description: "Fails.",
          payload: { type: "object" },
          run: () => {
            throw new Error("canary-message");
          },
        },
        hang: {
          description: "Ends with its second attempt.",
          idempotent: true,
          payload: { type: "object" },
          run: (_input, { attempt }) => (attempt === 1 ? new Promise(() => {}) : attempt),
        },
      },
    },
    { nodes, providerId: `p-${process.pid}` },
  );
  process.once("SIGTERM", async () => {
    await serving.stop();
    await provider.shutdown();
  });
  console.log("serving");
} else {
  const toolgate = await connect(nodes);
  for (const { tool, payload = {}, options = {}, sampled = true, detached = false } of JSON.parse(calls)) {
    const tracer = sampled ? own : unsampling;
    await tracer.startActiveSpan("turn", { kind: SpanKind.INTERNAL }, async (span) => {
      const { traceId } = span.spanContext();
      try {
        const answer = detached
          ? await toolgate.call("traced", tool, payload, options)
          : await toolgate.invoke("traced", tool, payload, options);
        console.log(JSON.stringify({ traceId, answer }));
      } catch (error) {
        console.log(JSON.stringify({ traceId, reason: error.reason }));
      }
      span.end();
    });
  }
  await toolgate.close();
  await provider.shutdown();
}
