import type { SdkSpans } from "./sdk-spans.js";

/*
 * The SDK makes spans where its application has registered a tracer with OpenTelemetry, whichever copy of the API it has; elsewhere it
 * does not even load the API, which would take longer than all else that a command line loads.
 */

/** Where every copy of version 1 of the API keeps what was registered: https://github.com/open-telemetry/opentelemetry-js/blob/main/api/src/internal/global-utils.ts */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

let spans: SdkSpans | undefined;
let loading: Promise<void> | undefined;

/** Loads what makes spans, where a tracer is registered by now. Without it, the first calls would go untraced. Never rejects. */
export async function loadTracing(): Promise<void> {
  if (isRegistered()) await load();
}

/** What makes spans; undefined where no tracer is registered, or only just. */
export function tracing(): SdkSpans | undefined {
  if (spans === undefined && isRegistered()) void load();
  return spans;
}

function isRegistered(): boolean {
  return (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED]?.trace !== undefined;
}

function load(): Promise<void> {
  // What cannot be loaded is not there to trace with; calls go on.
  loading ??= import("./sdk-spans.js").then(
    (module) => {
      spans = new module.SdkSpans();
    },
    () => {},
  );
  return loading;
}
