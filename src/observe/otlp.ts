import { ToolgateError } from "../errors/toolgate-error.js";

/** A node that sends something to a collector. */
export interface OtlpSource {
  readonly version: string;
  readonly node: string;
  readonly registry: string;
}

/** What everything that a node sends says of it: https://opentelemetry.io/docs/specs/semconv/resource/#service */
export const resourceAttributes = ({ version, node, registry }: OtlpSource) => ({
  "service.name": "toolgate",
  "service.namespace": registry,
  "service.instance.id": node,
  "service.version": version,
});

/** How long a node that stops waits for a collector to take what is left, in milliseconds. */
const FLUSH_MS = 3_000;

/**
 * Loads what sends something: OpenTelemetry's packages are installed only where they are wanted.
 *
 * @param what is sent where, and how to do without: for people
 * @throws ToolgateError INVALID_CONFIG where they are not installed, with the command that installs them
 */
export async function loadExporter<Exporter>(
  load: () => Promise<Exporter>,
  { signal, url, packages, instead }: Readonly<Record<"signal" | "url" | "packages" | "instead", string>>,
): Promise<Exporter> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error; // Node's own code; absent on others
    throw new ToolgateError(
      "INVALID_CONFIG",
      `${signal} are to go to ${url}, and what sends them is not installed. Install it:
    npm install ${packages}
  or send none: ${instead}`,
      { cause: error },
    );
  }
}

/** Waits until a collector has taken what is left, as far as it does so in time. */
export async function flushed(sent: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS);
  });
  await Promise.race([sent, late]);
  clearTimeout(timer);
}
