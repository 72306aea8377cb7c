import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { type Document, parseAllDocuments } from "yaml";
import type { ConfiguredDocument, DocumentRef } from "../../../src/index.js";
import { UsageError } from "../../output/failure.js";

/** A document in a file: `{ kind, name, tenant?, spec }`. */
export interface FiledDocument extends DocumentRef {
  /** Its content. */
  readonly body: unknown;
  /** Where it stands, for people. */
  readonly place: string;
}

const MEMBERS = ["kind", "name", "tenant", "spec"];
const EXTENSIONS = [".yaml", ".yml", ".json"];
/** The largest file, in bytes. */
const MAX_FILE_BYTES = 4_194_304;
/** A document may name parts of itself again this often: more is an attempt to make it huge. */
const MAX_ALIASES = 100;

/**
 * Reads documents from YAML or JSON files: several in one file, separated by `---`; of a folder all of its files of these kinds, those of
 * its folders too; `-` is standard input.
 *
 * @throws UsageError naming the file and the fault, without anything of its content that may be secret
 */
export async function readDocumentFiles(paths: readonly string[]): Promise<FiledDocument[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const found = (await Promise.all(files.map(async (file) => parseDocuments(await contentOf(file), file)))).flat();
  const seen = new Map<string, string>();
  for (const { tenant = "", kind, name, place } of found) {
    const ref = `${tenant}/${kind}/${name}`;
    const other = seen.get(ref);
    if (other !== undefined) throw fault(place, `the ${kind} ${name} stands in ${other} too`);
    seen.set(ref, place);
  }
  return found;
}

/** Reads the documents of one text. @throws UsageError */
export function parseDocuments(text: string, file: string): FiledDocument[] {
  // A plain array where the text is empty, too.
  const documents = [...parseAllDocuments(text, { uniqueKeys: true })] as Document.Parsed[]; // the library's type has an empty case
  return documents.flatMap((document, index) => {
    const place = documents.length === 1 ? file : `${file}, document ${index + 1}`;
    const [error] = document.errors;
    if (error !== undefined) throw fault(place, `it is no YAML: ${error.code} at line ${error.linePos?.[0].line ?? 1}`);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch {
      throw fault(place, "it names parts of itself too often");
    }
    return value === null || value === undefined ? [] : [readDocument(value, place)];
  });
}

function readDocument(value: unknown, place: string): FiledDocument {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault(place, "it is no object");
  const { kind, name, tenant, spec } = value as Record<string, unknown>; // an object, as was checked
  const other = Object.keys(value).find((member) => !MEMBERS.includes(member));
  if (other !== undefined)
    throw fault(place, `it has a member ${JSON.stringify(other.slice(0, 40))}; it may have ${MEMBERS.join(", ")}`);
  if (typeof kind !== "string" || kind === "") throw fault(place, "it has no kind, such as role");
  if (typeof name !== "string" || name === "") throw fault(place, "it has no name");
  if (tenant !== undefined && typeof tenant !== "string") throw fault(place, "its tenant is no text");
  if (spec === undefined) throw fault(place, "it has no spec");
  return { kind, name, ...(tenant === undefined ? {} : { tenant }), body: spec, place };
}

/** The documents as one YAML text that `readDocumentFiles` reads. */
export async function writeDocuments(documents: readonly ConfiguredDocument[]): Promise<string> {
  const { stringify } = await import("yaml");
  return documents
    .map(({ tenant, kind, name, body }) => stringify({ kind, tenant, name, spec: body }, { lineWidth: 120 }))
    .join("---\n");
}

async function filesOf(path: string): Promise<string[]> {
  if (path === "-") return ["-"];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path, { recursive: true });
    return names
      .filter((name) => EXTENSIONS.includes(extname(name)))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw fault(path, error instanceof Error ? error.message : String(error));
  }
}

async function contentOf(file: string): Promise<string> {
  if (file === "-") {
    let text = "";
    process.stdin.setEncoding("utf8");
    for await (const chunk of process.stdin) {
      text += String(chunk);
      if (text.length > MAX_FILE_BYTES) throw fault("standard input", `it has more than ${MAX_FILE_BYTES} bytes`);
    }
    return text;
  }
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw fault(file, `it has more than ${MAX_FILE_BYTES} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw fault(file, error instanceof Error ? error.message : String(error));
  }
}

function fault(place: string, what: string): UsageError {
  return new UsageError(
    `The documents in ${place} cannot be used: ${what}.`,
    "A document is { kind, name, spec }, and tenant where it is not your own; see docs/access.md.",
  );
}
