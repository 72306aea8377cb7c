import { beforeEach } from "vitest";

/**
 * Something that each test of a file has anew: made before the test, ended after it.
 *
 *     const client = forEachTest(() => redis().client(), (client) => client.disconnect());
 *     test("...", async () => { await client().ping(); });
 */
export function forEachTest<T extends object>(
  make: () => T | Promise<T>,
  end: (made: T) => unknown = () => {},
): () => T {
  let current: T | undefined;
  beforeEach(async () => {
    const made = await make();
    current = made;
    return () => end(made);
  });
  return () => {
    if (!current) throw new Error("What a test has is there from its beforeEach on, not before.");
    return current;
  };
}
