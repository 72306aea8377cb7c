import { createHash } from "node:crypto";
import { serialize } from "node:v8";
import { LRUCache } from "lru-cache";
import { SharedTask } from "../async/shared-task.js";
import { runInSlices } from "../async/steps.js";
import { type ContractLimits, parseContractSteps, parseUsableContractSteps } from "../contract/parse-contract.js";
import { sealContractSteps } from "../contract/seal-contract.js";
import { joinSkipped } from "../contract/skipped-part.js";
import type { Contract__Output } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Requester } from "../schemas/contract-validators.js";
import type { UsableContract, ValidatorCache } from "../schemas/validator-cache.js";

/** How many contracts are remembered, and how long they may be together, in characters of JSON. */
const MAX_KNOWN = 1_024;
const MAX_KNOWN_CHARACTERS = 16 * 1_048_576;

/**
 * Reads the contracts that providers register. What thousands of replicas send alike is read, sealed and inspected once: the same
 * message gives the same contract. It takes the message as it came: that is what is compared, and reading it is for the room of
 * contracts.
 */
export class ContractReader {
  readonly #validators: Pick<ValidatorCache, "admit" | "admitUsable">;
  readonly #limits: ContractLimits;
  /** By what was sent; those that are being read, too. */
  readonly #known = new LRUCache<string, SharedTask<UsableContract>>({
    max: MAX_KNOWN,
    maxSize: MAX_KNOWN_CHARACTERS,
  });
  #read = 0;

  constructor(validators: Pick<ValidatorCache, "admit" | "admitUsable">, limits: ContractLimits) {
    this.#validators = validators;
    this.#limits = limits;
  }

  /** How many contracts were read so far, those left out that were known. */
  get count(): number {
    return this.#read;
  }

  /**
   * Reads a contract, and has its schemas inspected.
   *
   * @param skipInvalid leaves out what cannot be used, rather than refusing the whole.
   * @param requester the first to send a contract counts as the client; all may leave.
   * @throws ToolgateError INVALID_CONTRACT or INVALID_SCHEMA with what is wrong; LIMIT_EXCEEDED when too much is being inspected
   *   already; the signal's reason.
   */
  read(wire: Contract__Output | null, skipInvalid: boolean, requester: Requester): Promise<UsableContract> {
    const key = createHash("sha256")
      .update(serialize([skipInvalid, wire]))
      .digest("base64");
    const known = this.#known.get(key);
    if (known !== undefined && !known.isAbandoned) return known.join(requester.signal);
    const task = new SharedTask(async (unneeded) => {
      try {
        const usable = await this.#readAnew(wire, skipInvalid, { ...requester, signal: unneeded });
        if (this.#known.peek(key) === task) this.#remember(key, task, usable.sealed.canonicalJson.length);
        return usable;
      } catch (error) {
        // Faults are found again the next time: they may have been the machine's.
        if (this.#known.peek(key) === task) this.#known.delete(key);
        throw error;
      }
    });
    this.#remember(key, task, 1);
    return task.join(requester.signal);
  }

  #remember(key: string, task: SharedTask<UsableContract>, size: number): void {
    this.#known.set(key, task, { size });
  }

  async #readAnew(wire: Contract__Output | null, skipInvalid: boolean, requester: Requester): Promise<UsableContract> {
    this.#read++;
    if (!skipInvalid) {
      const sealed = await runInSlices(sealContractSteps(await runInSlices(parseContractSteps(wire, this.#limits))));
      return { sealed, skipped: [], ...(await this.#validators.admit(sealed, requester)) };
    }
    const { contract, skipped } = await runInSlices(parseUsableContractSteps(wire, this.#limits));
    const usable = await this.#validators.admitUsable(await runInSlices(sealContractSteps(contract)), requester);
    return { ...usable, skipped: joinSkipped(skipped, usable.skipped) };
  }
}
