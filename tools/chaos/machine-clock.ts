/**
 * The machine's monotonic clock, in milliseconds: the same for all processes of one machine, and untouched when the wall
 * clock of one of them is stepped. Everything that is written down during a run bears this time.
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
