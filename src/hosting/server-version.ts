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
  const near = semver.coerce(said, { includePrerelease: true })?.version ?? withoutLeadingZeros(said);
  if (near !== undefined) return { version: near, note: differs(said, near) };
  return {
    version: "0.0.0",
    note: `the server's version ${JSON.stringify(said.slice(0, 64))} is no semantic version; 0.0.0 is used; set one with --version`,
  };
}

/** Dates such as 2026.08.31 are no semantic versions for their zeros alone. */
function withoutLeadingZeros(said: string): string | undefined {
  const match = /([0-9]{1,15})(?:\.([0-9]{1,15}))?(?:\.([0-9]{1,15}))?/.exec(said);
  return match === null
    ? undefined
    : match
        .slice(1)
        .map((digits) => Number(digits ?? 0))
        .join(".");
}

function differs(said: string, used: string): string {
  return `the server's version ${JSON.stringify(said.slice(0, 64))} is registered as ${used}`;
}
