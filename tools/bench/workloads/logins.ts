import { RawLogins } from "../callers/raw-logins.js";
import { closedGateway } from "../closed-gateway.js";
import { summarise } from "../figures.js";
import type { Workload } from "../workload.js";

/** From how many addresses wrong logins come at once, and how many one after the other from each: those are looked at, more are limited. */
const ADDRESSES = 10;
const FROM_EACH = 20;
const WRONG = ADDRESSES * FROM_EACH;
/** How many logins of each sort are timed, and from how many addresses: each address may make so many only. */
const TIMED = 500;
const QUICK_TIMED = 20;
const PER_ADDRESS = 20;
/** How many accounts they are of: each may have so many only. */
const ACCOUNTS = 8;
const PASSWORD = "the right one, which nobody says here";

/**
 * Wrong passwords: what many at once do to the node's event loop, and whether it takes longer to refuse an account that there is than one
 * that there is not.
 */
export const LOGINS: Workload = {
  name: "logins",
  description: "wrong passwords: stalls of the node, and what the time of an answer tells",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const { gateway, administrator } = await closedGateway(stage, { registry: "logins" });
    const users = Array.from({ length: ACCOUNTS }, (_, nth) => `known-${nth}`);
    for (const user of users) await administrator.setPassword(user, PASSWORD);
    administrator.close();

    const stalls: number[] = [];
    const limitedFrom: number[] = [];
    for (let repetition = 0; repetition < context.effort.repetitions; repetition += 1) {
      context.progress(`${WRONG} wrong logins at once, ${repetition + 1} of ${context.effort.repetitions}`);
      // From an address and of an account of its own each time, and as many from elsewhere, whose passwords are looked at.
      const one = new RawLogins(gateway.address, `127.0.1.${repetition + 1}`);
      const others = Array.from(
        { length: ADDRESSES },
        (_, nth) => new RawLogins(gateway.address, `127.0.${2 + repetition}.${nth + 1}`),
      );
      await gateway.watchTurns();
      const outcomes: string[] = [];
      while (outcomes.length < WRONG && outcomes.at(-1) !== "limited")
        outcomes.push(await one.tryOut(`guessed-${repetition}`, "a wrong password"));
      limitedFrom.push(outcomes.length);
      await Promise.all(
        others.map(async (login, nth) => {
          for (let made = 0; made < FROM_EACH; made += 1)
            await login.tryOut(`unknown-${nth}-${made}`, "a wrong password");
        }),
      );
      const { cpuMs, wallMs } = await gateway.longestTurn();
      stalls.push(cpuMs ?? wallMs);
      for (const login of [one, ...others]) login.close();
    }
    context.figure({
      id: "logins/stall",
      what: `Longest turn of the node during ${WRONG} wrong logins, ${ADDRESSES} at once`,
      unit: "ms",
      values: stalls,
      target: { better: "lower", least: 50 },
    });
    context.figure({
      id: "logins/limited-from",
      what: "Which wrong login of an account from one address is the first that is limited",
      unit: "",
      values: limitedFrom,
      target: { better: "lower", least: 10 },
    });

    const timed = context.quick ? QUICK_TIMED : TIMED;
    const times: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
    for (let address = 0; address < timed / PER_ADDRESS; address += 1) {
      context.progress(`timing wrong logins, ${2 * address * PER_ADDRESS} of ${2 * timed}`);
      const login = new RawLogins(gateway.address, `127.0.100.${address + 1}`);
      await login.connected();
      for (let nth = 0; nth < PER_ADDRESS; nth += 1) {
        // In turns, and first the one and then the other: what disturbs the machine disturbs both.
        for (const sort of nth % 2 === 0 ? (["known", "unknown"] as const) : (["unknown", "known"] as const)) {
          const beganMs = performance.now();
          const outcome = await login.tryOut(`${sort}-${nth % ACCOUNTS}`, "a wrong password");
          times[sort].push(performance.now() - beganMs);
          if (outcome !== "refused")
            throw new Error(`A wrong login was ${outcome}: the node limits them by other rates.`);
        }
      }
      login.close();
    }
    const [known, unknown] = [times.known, times.unknown];
    context.figure({
      id: "logins/timing-t",
      what: `Known against unknown accounts, t of ${timed} wrong logins each (beyond 2.58 they differ, at 1 %)`,
      unit: "",
      values: [Math.abs(welchT(known, unknown))],
      target: { better: "lower", least: 2.58 },
    });
    const difference = summarise(known).median - summarise(unknown).median;
    context.note(
      `A wrong login of a known account takes ${difference.toFixed(2)} ms more than one of none, in the median.`,
    );
  },
};

/** Welch's t of two series (https://en.wikipedia.org/wiki/Welch%27s_t-test). */
export function welchT(left: readonly number[], right: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const spread = (values: readonly number[]): number => {
    const middle = mean(values);
    return values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1) / values.length;
  };
  return (mean(left) - mean(right)) / Math.sqrt(spread(left) + spread(right));
}
