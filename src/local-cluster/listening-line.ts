/** Where a node listens, as its log line of the event "listening" says. */
export interface Listening {
  /** For gRPC. */
  readonly address: string;
  /** For HTTP; undefined where it does not. */
  readonly httpAddress: string | undefined;
  /** For its operators: metrics, health, diagnostics; undefined where it does not. */
  readonly opsAddress: string | undefined;
}

/** What a node's log line of the event "listening" says; undefined for any other line. */
export function listeningOf(line: string): Listening | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const { event, address, httpAddress, opsAddress } = JSON.parse(line) as Readonly<Record<string, unknown>>; // each is checked below
    if (event !== "listening" || typeof address !== "string") return undefined;
    return { address, httpAddress: textOf(httpAddress), opsAddress: textOf(opsAddress) };
  } catch {
    return undefined;
  }
}

/** Where else than for gRPC, for people: `http://127.0.0.1:7480, metrics http://127.0.0.1:7481`; empty where it is nowhere. */
export function httpAddresses({ httpAddress, opsAddress }: Listening): string {
  return [httpAddress && `http://${httpAddress}`, opsAddress && `metrics http://${opsAddress}`]
    .filter(Boolean)
    .join(", ");
}

/** The address for gRPC in that line; undefined for any other line. */
export function listeningAddress(line: string): string | undefined {
  return listeningOf(line)?.address;
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
