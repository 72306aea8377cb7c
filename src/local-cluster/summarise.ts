/**
 * A result in one short line, for people. What an MCP tool returns holds its text in `content`; that is what is shown.
 *
 * @param width the most characters.
 */
export function summarise(result: unknown, width: number): string {
  const text = mcpText(result) ?? JSON.stringify(result) ?? "null";
  const line = text
    .trim()
    .replace(/\s*\n\s*/g, ", ")
    .replace(/\s+/g, " ");
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

function mcpText(result: unknown): string | undefined {
  if (typeof result !== "object" || result === null || !("content" in result)) return undefined;
  const { content } = result;
  if (!Array.isArray(content)) return undefined;
  const texts = content.flatMap((part: unknown) =>
    typeof part === "object" && part !== null && "text" in part && typeof part.text === "string" ? [part.text] : [],
  );
  return texts.length > 0 ? texts.join("\n") : undefined;
}
