import type { Executed } from "../errors/codes.js";
import type { AuditRecord__Output } from "../protocol/generated/toolgate/v1/AuditRecord.js";
import type { Executed__Output } from "../protocol/generated/toolgate/v1/Executed.js";
import type { QueryAuditResponse__Output } from "../protocol/generated/toolgate/v1/QueryAuditResponse.js";
import type { TailAuditResponse__Output } from "../protocol/generated/toolgate/v1/TailAuditResponse.js";
import type { VerifyAuditResponse__Output } from "../protocol/generated/toolgate/v1/VerifyAuditResponse.js";
import type { CallerKind } from "./access.js";
import type { Audit, AuditFilter, AuditQuery, AuditRecord, AuditVerdict, TailOptions, VerifyOptions } from "./audit.js";
import { ifDefined } from "./if-defined.js";
import type { Requests } from "./requests.js";

/** How many records a page has. */
const PAGE_SIZE = 500;

/** How many records a tail remembers, so as to pass none on twice: more than are written within OVERLAP_MS. */
const REMEMBERED = 20_000;
/** From how long before the latest record on a lost tail is made up for, in milliseconds. */
const OVERLAP_MS = 1000;

const EXECUTED: Partial<Record<Executed__Output, Executed>> = {
  EXECUTED_NO: "no",
  EXECUTED_YES: "yes",
  EXECUTED_UNKNOWN: "unknown",
};

/** The service Audit, as the client's types. */
export class AuditClient implements Audit {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async *query({ from, until, signal, ...which }: AuditQuery = {}): AsyncGenerator<AuditRecord, void, void> {
    const filter = { ...wireFilter(which), fromMs: from?.getTime() ?? 0, untilMs: until?.getTime() ?? 0 };
    let pageToken = "";
    do {
      const page = await this.#requests.read<QueryAuditResponse__Output>(signal, ({ audit }, ...rest) =>
        audit.queryAudit({ filter, pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      yield* page.records.map(readRecord);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  async *tail({ signal, ...which }: TailOptions = {}): AsyncGenerator<AuditRecord, void, void> {
    let streams = 0;
    let current = 0;
    // What was passed on of late: a lost stream is made up for by a query, which finds some of it again.
    let last: AuditRecord | undefined;
    const recent = new Set<string>();
    const isNew = (record: AuditRecord): boolean => {
      if (recent.has(record.id)) return false;
      recent.add(record.id);
      const [oldest] = recent;
      if (recent.size > REMEMBERED && oldest !== undefined) recent.delete(oldest);
      last = record;
      return true;
    };
    const messages = this.#requests.stream<TailAuditResponse__Output>(signal, ({ audit }, metadata) => {
      streams += 1;
      return audit.tailAudit({ filter: wireFilter(which) }, metadata);
    });
    for await (const { records } of messages) {
      if (streams !== current && last !== undefined) {
        const missed = this.query({
          ...which,
          from: new Date(last.at.getTime() - OVERLAP_MS),
          ...ifDefined("signal", signal),
        });
        for await (const record of missed) if (isNew(record)) yield record;
      }
      current = streams;
      for (const record of records.map(readRecord)) if (isNew(record)) yield record;
    }
  }

  async verify({ from, signal }: VerifyOptions = {}): Promise<AuditVerdict> {
    const { records, faults, sealedUntil } = await this.#requests.read<VerifyAuditResponse__Output>(
      signal,
      ({ audit }, ...rest) => audit.verifyAudit({ fromMs: from?.getTime() ?? 0 }, ...rest),
    );
    return { records, faults: faults.map(({ id, message }) => ({ id, message })), sealedUntil };
  }
}

function wireFilter(filter: AuditFilter): Required<AuditFilter> {
  const { tenant = "", principal = "", event = "", toolset = "", tool = "", callId = "", outcome = "" } = filter;
  return { tenant, principal, event, toolset, tool, callId, outcome };
}

function readRecord({ atMs, executed, kind, ...rest }: AuditRecord__Output): AuditRecord {
  return {
    ...rest,
    at: new Date(atMs),
    kind: kind as CallerKind | "", // a node's own word
    ...ifDefined("executed", EXECUTED[executed]),
  };
}
