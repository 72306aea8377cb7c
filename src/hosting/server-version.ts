import semver from "semver";

/** A toolset's version, and what to tell the operator when it is not what the server version. */
export interface ServerVersion {
  readonly version: string;
  readonly note?: string;
}

/**
 * The semantic version that stands for a server's own: the same where it is one, the nearest where it only looks like one
 * (`v1.2`, `2026.08.31`, `2026-08-31`), and 0.0.0 where it is none.
 */
export function semanticVersion(version: string): ServerVersion {
  const exact = semver.valid(version);
  if (exact !== null) return exact === version ? { version: exact } : { version: exact, note: differs(version, exact) };
  const date = /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$/.exec(version);
  if (date !== null) {
    const dotted = date.slice(1).map(Number).join(".");
    return { version: dotted, note: differs(version, dotted) };
  }
  const near = semver.coerce(version, { includePrerelease: true })?.version ?? withoutLeadingZeros(version);
  if (near !== undefined) return { version: near, note: differs(version, near) };
  return {
    version: "0.0.0",
    note: `the server's version ${JSON.stringify(version.slice(0, 64))} is no semantic version; 0.0.0 is used; set one with --version`,
  };
}

/** Dates such as 2026.08.31 are no semantic versions for their zeros alone. */
function withoutLeadingZeros(version: string): string | undefined {
  const match = /([0-9]{1,15})(?:\.([0-9]{1,15}))?(?:\.([0-9]{1,15}))?/.exec(version);
  return match === null
    ? undefined
    : match
        .slice(1)
        .map((digits) => Number(digits ?? 0))
        .join(".");
}

function differs(version: string, used: string): string {
  return `the server's version ${JSON.stringify(version.slice(0, 64))} is registered as ${used}`;
}
