/** What one look found. */
export interface Check {
  /** What was looked at. */
  readonly name: string;
  /** `fail` means that something does not work; `warn` that it works, but may surprise. */
  readonly status: "ok" | "warn" | "fail";
  readonly finding: string;
  /** What to do about it; absent when all is well. */
  readonly remedy?: string;
}

export function ok(name: string, finding: string): Check {
  return { name, status: "ok", finding };
}

export function warn(name: string, finding: string, remedy: string): Check {
  return { name, status: "warn", finding, remedy };
}

export function fail(name: string, finding: string, remedy: string): Check {
  return { name, status: "fail", finding, remedy };
}
