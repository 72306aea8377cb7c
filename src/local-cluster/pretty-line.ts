const COLOURS: Readonly<Record<string, number>> = { warn: 33, error: 31, fatal: 31 };

/** A node's JSON log line as people read it: time, node, level, event, then its fields. Other lines stay as they are. */
export function prettyLine(node: string, line: string, coloured: boolean): string {
  const entry = parse(line);
  if (!entry) return `${node}  ${line}`;
  const { time, level, event, message, ...fields } = entry;
  const clock = typeof time === "string" ? time.slice(11, 23) : "";
  const word = String(level ?? "");
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`);
  const text = [clock, node, word.padEnd(5), event, message, ...shown].filter((part) => part !== undefined).join("  ");
  const colour = COLOURS[word];
  return coloured && colour !== undefined ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>; // it begins with a brace, so it is an object
  } catch {
    return undefined;
  }
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
