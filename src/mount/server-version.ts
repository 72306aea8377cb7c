import semver from "semver";

/** A toolset's version, and what to tell the operator when it is not what the server said. */
export interface ServerVersion {
  readonly version: string;
  readonly note?: string;
}

/**
 * The semantic version that stands for a server's own: the same where it is one, the nearest where it only looks like one
 * (`v1.2`, `2026.08.31`), and 0.0.0 where it is none.
 */
export function semanticVersion(said: string): ServerVersion {
  const exact = semver.valid(said);
  if (exact !== null) return exact === said ? { version: exact } : { version: exact, note: differs(said, exact) };
  const near = semver.coerce(said, { includePrerelease: true })?.version;
  if (near !== undefined) return { version: near, note: differs(said, near) };
  return {
    version: "0.0.0",
    note: `the server's version ${JSON.stringify(said.slice(0, 64))} is no semantic version; 0.0.0 is used; set one with --version`,
  };
}

function differs(said: string, used: string): string {
  return `the server's version ${JSON.stringify(said.slice(0, 64))} is registered as ${used}`;
}
