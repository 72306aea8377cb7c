import { type ConfiguredDocument, type ConnectOptions, connect, ToolgateError } from "../../src/index.js";

/**
 * The documents of the caller's tenant, as one of some nodes has them.
 *
 * @param kind only these; all kinds when absent
 * @returns none where the caller may not list them, or no node answers: other checks say that
 * @throws the signal's reason
 */
export async function listDocuments(
  nodes: string | readonly string[],
  options: ConnectOptions,
  kind?: string,
): Promise<ConfiguredDocument[]> {
  const { signal } = options;
  try {
    const client = await connect(nodes, options);
    try {
      const documents: ConfiguredDocument[] = [];
      const which = { ...(kind === undefined ? {} : { kind }), ...(signal === undefined ? {} : { signal }) };
      for await (const document of client.documents.list(which)) documents.push(document);
      return documents;
    } finally {
      await client.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof ToolgateError)) throw error;
    return [];
  }
}
