import semver from "semver";
import { type Check, fail, ok, warn } from "./check.js";

/** Whether the Node version is one that Toolgate runs on (package.json, `engines`). */
export function checkRuntime(version: string, needed: string): Check {
  const name = "Node.js";
  if (!semver.satisfies(version, needed))
    return fail(name, `${version}, but ${needed} is needed`, "Install a newer Node.");
  if (semver.prerelease(version) !== null)
    return warn(name, `${version} is a pre-release`, "Use a released version of Node.");
  return ok(name, version);
}
