import type { Redis } from "ioredis";
import { afterAll, expect } from "vitest";
import { CanaryWatch, type SentValues } from "./canary-watch.js";

/*
 * That no secret and no payload leaks, over the whole suite. The fixtures that start a node or a Redis import this: what nodes print and
 * what Redis holds in the end is looked through in every test file, which fails where something is found.
 */

let sent = (): SentValues => ({ secrets: new Set(), spoken: new Set() });

const watch = new CanaryWatch(() => sent());

/** Looks for what this process has sent, too. @param values what that is up to now */
export function lookForSent(values: () => SentValues): void {
  sent = values;
}

/** What takes each line that a process prints. @param options `spoken`: whether payloads and results must not stand in it either */
export function watchLog(place: string, options: { readonly spoken: boolean }): (line: string) => void {
  return watch.log(place, options);
}

/** Looks through a Redis that is about to lose what it holds. */
export async function searchRedis(client: Redis): Promise<void> {
  await watch.redis("Redis", client);
}

// Hooks after all tests run last in, first out: this one when everything of the file has ended.
afterAll(() => {
  expect(watch.findings(), "what must not be there").toEqual([]);
});
