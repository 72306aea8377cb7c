/**
 * Results in the form of the Model Context Protocol (https://modelcontextprotocol.io/specification/2025-06-18/server/tools), as
 * mounted MCP servers give them and agents for MCP read them: makers for tools, readers for agents.
 */

/** What content is for, and how much it matters. */
export interface ContentAnnotations {
  readonly audience?: readonly ("user" | "assistant")[];
  /** From 0, which may be left out, to 1. */
  readonly priority?: number;
  /** ISO 8601. */
  readonly lastModified?: string;
}

interface Annotated {
  readonly annotations?: ContentAnnotations;
}

export interface TextContent extends Annotated {
  readonly type: "text";
  readonly text: string;
}

/** `data` is base64. */
export interface ImageContent extends Annotated {
  readonly type: "image";
  readonly data: string;
  readonly mimeType: string;
}

/** `data` is base64. */
export interface AudioContent extends Annotated {
  readonly type: "audio";
  readonly data: string;
  readonly mimeType: string;
}

/** A resource that can be read elsewhere. */
export interface ResourceLink extends Annotated {
  readonly type: "resource_link";
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  /** In bytes. */
  readonly size?: number;
}

/** A resource itself: `text`, or `blob` in base64. */
export interface EmbeddedResource extends Annotated {
  readonly type: "resource";
  readonly resource: { readonly uri: string; readonly mimeType?: string } & (
    | { readonly text: string }
    | { readonly blob: string }
  );
}

export type Content = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;

/** A result in MCP's form. */
export interface ContentResult {
  readonly content: readonly Content[];
  /** The same for programs. */
  readonly structuredContent?: { readonly [key: string]: unknown };
  /** The content says what went wrong. */
  readonly isError?: boolean;
}

/** A piece of text. */
export function text(value: string, annotations?: ContentAnnotations): TextContent {
  return { type: "text", text: value, ...annotated(annotations) };
}

/** @param data the file's bytes, or base64. */
export function image(data: Uint8Array | string, mimeType: string, annotations?: ContentAnnotations): ImageContent {
  return { type: "image", data: base64(data), mimeType, ...annotated(annotations) };
}

/** @param data the file's bytes, or base64. */
export function audio(data: Uint8Array | string, mimeType: string, annotations?: ContentAnnotations): AudioContent {
  return { type: "audio", data: base64(data), mimeType, ...annotated(annotations) };
}

/** A link to a resource. */
export function resourceLink(
  uri: string,
  name: string,
  more: Omit<ResourceLink, "type" | "uri" | "name"> = {},
): ResourceLink {
  return { type: "resource_link", uri, name, ...more };
}

/** A resource with what is in it. @param content its text, or its bytes. */
export function resource(uri: string, content: string | Uint8Array, mimeType?: string): EmbeddedResource {
  const about = mimeType === undefined ? { uri } : { uri, mimeType };
  return {
    type: "resource",
    resource: typeof content === "string" ? { ...about, text: content } : { ...about, blob: base64(content) },
  };
}

/** A result of some content, and of the same for programs. Text alone may be given as it is. */
export function result(
  content: string | Content | readonly Content[],
  structuredContent?: { readonly [key: string]: unknown },
): ContentResult {
  const parts = typeof content === "string" ? [text(content)] : "type" in content ? [content] : content;
  return structuredContent === undefined ? { content: parts } : { content: parts, structuredContent };
}

/** Whether a result is in MCP's form. Kinds of content that are not known here pass, as MCP may get more. */
export function isContentResult(value: unknown): value is ContentResult {
  if (typeof value !== "object" || value === null || !("content" in value) || !Array.isArray(value.content))
    return false;
  return value.content.every(
    (part: unknown) => typeof part === "object" && part !== null && "type" in part && typeof part.type === "string",
  );
}

/** The text of a result: all pieces of text, and of embedded resources that are text, by lines; empty when there is none. */
export function readText(value: unknown): string {
  if (!isContentResult(value)) return "";
  return value.content
    .flatMap((part) => {
      if (part.type === "text" && typeof part.text === "string") return [part.text];
      if (part.type !== "resource" || typeof part.resource !== "object" || part.resource === null) return [];
      return "text" in part.resource && typeof part.resource.text === "string" ? [part.resource.text] : [];
    })
    .join("\n");
}

/** The bytes of all images of a result. */
export function readImages(value: unknown): { readonly data: Buffer; readonly mimeType: string }[] {
  if (!isContentResult(value)) return [];
  return value.content.flatMap((part) =>
    part.type === "image" && typeof part.data === "string"
      ? [{ data: Buffer.from(part.data, "base64"), mimeType: String(part.mimeType) }]
      : [],
  );
}

function annotated(annotations: ContentAnnotations | undefined): Annotated {
  return annotations === undefined ? {} : { annotations };
}

function base64(data: Uint8Array | string): string {
  return typeof data === "string" ? data : Buffer.from(data).toString("base64");
}
