import type { Redis } from "ioredis";
import { expect } from "vitest";

/** Two times by one clock, in Unix milliseconds, between which something was done. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What Redis's clock shows, in Unix milliseconds. */
export async function redisNowMs(client: Redis): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

/** Does something between two looks at Redis's clock: what Redis dates by its clock meanwhile lies between them. */
export async function spanOf<T>(client: Redis, act: () => Promise<T>): Promise<Span & { readonly value: T }> {
  const fromMs = await redisNowMs(client);
  const value = await act();
  return { value, fromMs, toMs: await redisNowMs(client) };
}

/** Expects a time that lies `afterMs` after something within the span: exact, however slow the machine is. */
export function expectWithin(atMs: number | undefined, { fromMs, toMs }: Span, afterMs = 0): void {
  expect(atMs).toBeGreaterThanOrEqual(fromMs + afterMs);
  expect(atMs).toBeLessThanOrEqual(toMs + afterMs);
}
