/** A field to spread into an object: absent, rather than undefined, when there is no value. */
export function ifDefined<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Value } {
  // A computed key widens to string, so the compiler has to be told which one it is.
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}
