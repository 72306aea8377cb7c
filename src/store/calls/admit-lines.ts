import { LimitLines } from "../call-limits/limit-lines.js";
import type { Admission, Destination } from "./admission.js";

/** Calls of one batch that go to the same epoch. */
export interface CallsTo {
  /** One of them. */
  readonly call: Admission;
  calls: number;
}

/** The arguments of ADMIT for the calls of one batch, as lines: what calls have in common is given once, and named by its line. */
export class AdmitLines {
  readonly #destinations = new Lines();
  readonly #ways = new Lines();
  #calls = "";
  /** Who calls, as the audit says it. */
  readonly #callers = new Lines();
  #argumentsDigests = "";
  readonly limits = new LimitLines();
  /** By the line of their destination. */
  readonly #wanted = new Map<number, CallsTo>();
  #last: { readonly call: Admission; readonly way: number; readonly to: CallsTo } | undefined;

  constructor(admissions: readonly Admission[]) {
    for (const call of admissions) this.#add(call);
  }

  /** Toolset, epoch, contract digest and max backlog. */
  get destinations(): string {
    return this.#destinations.text;
  }

  /** Tool, delivery, line of the destination, line of the overflow or 0, pinned, wait, timeout, watch, tenant, principal, line of the audited caller or 0, words that heads end with. */
  get ways(): string {
    return this.#ways.text;
  }

  /** Id, request digest, line of the way, line of the group of limits or 0, meta. */
  get calls(): string {
    return this.#calls;
  }

  /** Who calls, where the audit is to say it: kind, credential, revision of the documents, rule. */
  get auditedCallers(): string {
    return this.#callers.text;
  }

  /** The keyed digests of the calls' arguments, each with a space behind it; `-` where a call is not audited, nothing where none is. */
  get argumentsDigests(): string {
    return this.#callers.size === 0 ? "" : this.#argumentsDigests;
  }

  /** The calls by the line of their destination. */
  get wanted(): Iterable<readonly [number, CallsTo]> {
    return this.#wanted;
  }

  #add(call: Admission): void {
    const last = this.#last;
    const same = last !== undefined && goesTheSameWay(call, last.call);
    const { way, to } = same ? last : this.#way(call);
    to.calls++;
    this.#last = { call, way, to };
    this.#calls += `${call.id} ${call.requestDigest} ${way} ${this.limits.group(call.limits)} ${call.meta}\n`;
    this.#argumentsDigests += call.audit === undefined ? "- " : `${call.audit.argumentsDigest} `;
  }

  #way(call: Admission): { readonly way: number; readonly to: CallsTo } {
    const { tool, delivery, pinned, wait, timeoutMs, watch, caller, audit, webhooks } = call;
    const line = this.#destinations.place(lineOf(call, call.destination));
    const overflow = call.overflow === undefined ? 0 : this.#destinations.place(lineOf(call, call.overflow));
    const audited = audit === undefined ? 0 : this.#callers.place(`${audit.who}\n`);
    const flags = `${pinned ? 1 : 0} ${wait ? 1 : 0} ${timeoutMs} ${watch ? 1 : 0} ${caller} ${audited}`;
    const words = webhooks === undefined ? "" : ` webhooks=${webhooks}`;
    const to = this.#wanted.get(line) ?? { call, calls: 0 };
    this.#wanted.set(line, to);
    return { way: this.#ways.place(`${tool} ${delivery} ${line} ${overflow} ${flags}${words}\n`), to };
  }
}

/** Whether two calls differ in nothing that a way says. Cheaper than making its line, and nearly all of a batch do not. */
function goesTheSameWay(one: Admission, other: Admission): boolean {
  return (
    one.toolset === other.toolset &&
    one.tool === other.tool &&
    one.delivery === other.delivery &&
    one.timeoutMs === other.timeoutMs &&
    one.pinned === other.pinned &&
    one.wait === other.wait &&
    one.watch === other.watch &&
    one.caller === other.caller &&
    one.audit?.who === other.audit?.who &&
    one.webhooks === other.webhooks &&
    one.overflow === undefined &&
    other.overflow === undefined &&
    one.destination.epoch === other.destination.epoch &&
    one.destination.maxBacklog === other.destination.maxBacklog &&
    one.destination.digest === other.destination.digest
  );
}

const lineOf = ({ toolset }: Admission, { epoch, digest, maxBacklog }: Destination): string =>
  `${toolset} ${epoch} ${digest} ${maxBacklog}\n`;

/** Different lines, each at its place, counted from 1. */
class Lines {
  readonly #places = new Map<string, number>();

  place(line: string): number {
    const known = this.#places.get(line);
    if (known !== undefined) return known;
    this.#places.set(line, this.#places.size + 1);
    return this.#places.size;
  }

  get size(): number {
    return this.#places.size;
  }

  get text(): string {
    return [...this.#places.keys()].join("");
  }
}
