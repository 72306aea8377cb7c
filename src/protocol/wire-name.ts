/** A field's name as the proto file spells it: `expect_digest` for `expectDigest`. */
export function wireName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
