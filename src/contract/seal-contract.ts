import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import type { Contract, SealedContract } from "./contract.js";

/** Gives a contract its canonical JSON (RFC 8785) and its digest, which identifies it. */
export function sealContract(contract: Contract): SealedContract {
  const canonicalJson = canonicalize(contract);
  if (canonicalJson === undefined) throw new ToolgateError("INTERNAL", "the contract has no JSON form");
  return { contract, canonicalJson, digest: digestOf(canonicalJson) };
}

/** The digest of a contract's canonical JSON. */
export function digestOf(canonicalJson: string): Digest {
  return createHash("sha256").update(canonicalJson).digest("hex") as Digest; // the one maker of digests
}
