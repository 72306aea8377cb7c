/**
 * Versions that follow from a contract, for servers whose own version never moves.
 *
 *     1.4.0-c.3.x5f3a91c07d0be44a2f10
 *     │       │  │         └ fingerprints of former contracts, newest first, at most eight
 *     │       │  └ the contract's own fingerprint: ten hexadecimal digits of its SHA-256, the version left out
 *     │       └ a count: each contract that takes another one's place has the next number
 *     └ the server's own version, without what follows its three numbers
 *
 * A fingerprint alone has no order, so the version is derived from the contract *and* from what is registered:
 *
 * - the same contract gives the same version as the registered one, so that replicas agree and a restart joins its epoch;
 * - another contract gets a version above it, so that it is accepted without a hand-written one;
 * - a contract that the registered one has replaced before is refused, so that an old replica which starts again does not take
 *   the toolset back. Going back on purpose takes `replace`, as everywhere.
 *
 * Replicas that start together with the same new contract derive the same version, since all derive it from the same registered
 * one. A server whose own version is lower than the registered one's gets a lower version, which the registry refuses.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import semver from "semver";

/** What a version has to say of a contract. */
export interface DerivedVersion {
  readonly count: number;
  /** The contract's own. */
  readonly fingerprint: string;
  /** Those that it has replaced, newest first. */
  readonly former: readonly string[];
}

/** Which version a contract gets. */
export type VersionChoice =
  /** It is registered, under this version. */
  | { readonly kind: "registered"; readonly version: string }
  /** It is another one, and gets this version. */
  | { readonly kind: "next"; readonly version: string }
  /** It was registered before; the contract of this version has taken its place. */
  | { readonly kind: "former"; readonly replacedBy: string };

const DIGITS = 10;
const MAX_FORMER = 8;
const FORM = /^[0-9]+\.[0-9]+\.[0-9]+-c\.([1-9][0-9]{0,14})\.x((?:[0-9a-f]{10})+)$/;

/** The fingerprint of whatever makes a contract, as JSON, besides its version. */
export function fingerprintOf(contract: unknown): string {
  return createHash("sha256")
    .update(canonicalize(contract) ?? "")
    .digest("hex")
    .slice(0, DIGITS);
}

/**
 * @param serverVersion a semantic version, the server's own
 * @param registered the versions of the active epoch and of the candidate, as far as there are such
 * @param replace whether to register also what was registered before
 */
export function chooseVersion(
  fingerprint: string,
  serverVersion: string,
  registered: readonly string[],
  replace: boolean,
): VersionChoice {
  const known = registered.flatMap((version) => {
    const parsed = parseDerivedVersion(version);
    return parsed === undefined ? [] : [{ version, ...parsed }];
  });
  const same = known.find((one) => one.fingerprint === fingerprint);
  if (same !== undefined) return { kind: "registered", version: same.version };
  const successor = known.find(({ former }) => former.includes(fingerprint));
  if (successor !== undefined && !replace) return { kind: "former", replacedBy: successor.version };
  const newest = known.reduce<DerivedVersion | undefined>(
    (before, one) => (before === undefined || one.count > before.count ? one : before),
    undefined,
  );
  const former = newest === undefined ? [] : [newest.fingerprint, ...newest.former];
  const kept = former.filter((one) => one !== fingerprint).slice(0, MAX_FORMER);
  const { major, minor, patch } = semver.parse(serverVersion) ?? { major: 0, minor: 0, patch: 0 };
  const count = (newest?.count ?? 0) + 1;
  return { kind: "next", version: `${major}.${minor}.${patch}-c.${count}.x${[fingerprint, ...kept].join("")}` };
}

/** Undefined of a version that was not derived. */
export function parseDerivedVersion(version: string): DerivedVersion | undefined {
  const [, count, digits = ""] = FORM.exec(version) ?? [];
  const [fingerprint, ...former] = digits.match(/.{10}/g) ?? [];
  return count === undefined || fingerprint === undefined ? undefined : { count: Number(count), fingerprint, former };
}
