import type { Ajv, KeywordCxt } from "ajv";

/**
 * Has other code written for a keyword, in this Ajv alone; everything else about it stays, also its turn among the others.
 *
 * @param write writes it, and may have the original's written by `code`. A keyword of another draft is left alone.
 */
export function rewriteCode(ajv: Ajv, keyword: string, write: (cxt: KeywordCxt, code: () => void) => void): void {
  const definition = ajv.getKeyword(keyword);
  if (typeof definition !== "object" || !("code" in definition)) return;
  const { code } = definition;
  definition.code = (cxt, ruleType) => write(cxt, () => code(cxt, ruleType)); // each Ajv has a definition of its own
}
