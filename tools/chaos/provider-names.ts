/** How the names of a toolset's providers begin, and of no other's: `orders-`, `acme.orders-`. */
export function providersOf(toolset: string): string {
  return `${toolset.replace("/", ".")}-`;
}

/** The name of one of a toolset's providers. */
export function providerOf(toolset: string, replica: number | string): string {
  return `${providersOf(toolset)}${replica}`;
}
