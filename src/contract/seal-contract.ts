import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { runSync, type Steps } from "../async/steps.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import type { Contract, SealedContract } from "./contract.js";

/** Gives a contract its canonical JSON (RFC 8785) and its digest, which identifies it. */
export function sealContract(contract: Contract): SealedContract {
  return runSync(sealContractSteps(contract));
}

/** How a contract without tools says that; the quotes of texts are escaped, so nothing else is spelled like it. */
const NO_TOOLS = '"tools":[]';

/** The same in steps, one for each tool. */
export function* sealContractSteps(contract: Contract): Steps<SealedContract> {
  const tools: string[] = [];
  for (const tool of contract.tools) {
    tools.push(canonical(tool));
    yield;
  }
  const canonicalJson = canonical({ ...contract, tools: [] }).replace(NO_TOOLS, () => `"tools":[${tools.join(",")}]`);
  yield;
  return { contract, canonicalJson, digest: digestOf(canonicalJson) };
}

function canonical(part: unknown): string {
  const json = canonicalize(part);
  if (json === undefined) throw new ToolgateError("INTERNAL", "the contract has no JSON form");
  return json;
}

/** The digest of a contract's canonical JSON. */
export function digestOf(canonicalJson: string): Digest {
  return createHash("sha256").update(canonicalJson).digest("hex") as Digest; // the one maker of digests
}
