/** The address in a node's log line of the event "listening"; undefined for any other line. */
export function listeningAddress(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const entry = JSON.parse(line) as { event?: unknown; address?: unknown }; // both fields are checked on the next line
    return entry.event === "listening" && typeof entry.address === "string" ? entry.address : undefined;
  } catch {
    return undefined;
  }
}
