/** What `npm test` found out once, for all test files: where their Redis comes from. */
export type RedisForTests = { readonly kind: "binary"; readonly path: string } | { readonly kind: "testcontainers" };

declare module "vitest" {
  interface ProvidedContext {
    redisForTests: RedisForTests;
    /** A folder of this run, for what several test files share; it is removed at the end. */
    runFolder: string;
    /** The folder of the build whose modules are bundled: what starts nodes and commands takes it for the package's own. */
    bundledRoot: string;
  }
}
