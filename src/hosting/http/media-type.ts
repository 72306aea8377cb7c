/** A media type without its parameters, in lower case. */
export function essenceOf(mediaType: string): string {
  return mediaType.replace(/;.*$/s, "").trim().toLowerCase();
}

/** Whether it is JSON, or a format written in it: RFC 6839, section 3.1. A wildcard may be. */
export function isJsonType(mediaType: string): boolean {
  const essence = essenceOf(mediaType);
  return essence === "*/*" || essence === "application/*" || isExactlyJson(essence);
}

/** The same without wildcards, which no answer has. */
export function isExactlyJson(essence: string): boolean {
  return (
    essence === "application/json" ||
    essence === "text/json" ||
    /^[a-z0-9.!#$&^_-]+\/[a-z0-9.!#$&^_-]+\+json$/.test(essence)
  );
}

/** A stream of events, each of them output of a call. */
export function streamOf(essence: string): "sse" | "lines" | undefined {
  if (essence === "text/event-stream") return "sse";
  return /^application\/(x-ndjson|ndjson|jsonl|json-lines|x-jsonlines|jsonlines|stream\+json)$/.test(essence)
    ? "lines"
    : undefined;
}

/** Whether it is text that people read. */
export function isTextType(essence: string): boolean {
  return (
    essence.startsWith("text/") ||
    /^application\/(xml|javascript|yaml|x-yaml|graphql|sql|x-www-form-urlencoded)$/.test(essence) ||
    essence.endsWith("+xml") ||
    essence.endsWith("+yaml")
  );
}

/** The `charset` of a media type, in lower case. */
export function charsetOf(mediaType: string): string | undefined {
  return /;\s*charset=\s*"?([A-Za-z0-9._-]{1,40})"?/i.exec(mediaType)?.[1]?.toLowerCase();
}
