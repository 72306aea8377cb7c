import { ToolgateError } from "../errors/toolgate-error.js";
import type { TenantName } from "../identity/tenant.js";
import type { CallLimit, LimitRefusal } from "../store/call-limits/call-limit.js";
import type { LimitSpec } from "./limit.js";
import { type RuledLimit, shownName } from "./limit-rule.js";

/**
 * The error for a call that a limit refuses. Its metadata says which document's it is (`limit_document`), how much that allows (`limit`), what is
 * left (`remaining`), and when it is as if unused (`reset_ms`); of budgets, also of those that let the call in, what is left
 * (`budget_left`).
 *
 * @param refused made of a limit that came from `CallLimits`.
 * @param reader the caller's tenant.
 */
export function limitError(refused: LimitRefusal, reader: TenantName): ToolgateError {
  const { retryAfterMs, resetMs, budgetLeft } = refused;
  const limit = ruled(refused.limit);
  const { rule, kind } = limit;
  const document = shownName(rule, reader);
  const message = `the limit "${document}" allows ${allowance(limit)}`;
  const metadata = {
    limit_document: document,
    limit: String(kind === "rate" ? (rule.spec.rate?.calls ?? limit.most) : limit.most),
    remaining: "0",
    ...(resetMs === undefined ? {} : { reset_ms: String(resetMs) }),
    ...(budgetLeft === undefined ? {} : { budget_left: String(budgetLeft) }),
  };
  const options = { metadata, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  switch (kind) {
    case "rate":
      return new ToolgateError("RATE_LIMITED", `${message}; retry in ${retryAfterMs} ms`, options);
    case "running":
      return new ToolgateError("RATE_LIMITED", `${message}; retry when one of them has ended`, options);
    case "daily":
      return new ToolgateError("BUDGET_EXHAUSTED", `${message}; a new day begins in ${retryAfterMs} ms`, options);
    case "total":
      return new ToolgateError("BUDGET_EXHAUSTED", `${message}; begin another run`, options);
    case "loop":
      return new ToolgateError("LOOP", `${message}: change the arguments or the plan`, options);
    default:
      return kind satisfies never;
  }
}

function allowance({ kind, most, rule: { spec } }: RuledLimit): string {
  const each = `for each ${spec.per}`;
  switch (kind) {
    case "rate":
      return `${rateText(spec)} ${each}`;
    case "running":
      return `${most} unfinished calls ${each}`;
    case "daily":
      return `${most} calls a day ${each}`;
    case "total":
      return `${most} calls ${each}`;
    case "loop":
      return `${most} failures of the same kind in a row of one call, and the run has come to that`;
    default:
      return kind satisfies never;
  }
}

function rateText({ rate }: LimitSpec): string {
  return rate === undefined ? "a rate" : `${rate.calls} calls in ${rate.perMs} ms`;
}

/** A limit with the document that it is of. @param limit came from `CallLimits` */
export function ruled(limit: CallLimit): RuledLimit {
  if (!("rule" in limit)) throw new TypeError("a limit without the document that it is of");
  return limit as RuledLimit; // all that come from documents have a rule
}
