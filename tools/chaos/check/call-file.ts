import type { HistoryEvent } from "../history.js";
import type { LedgerLine } from "../ledger.js";
import type { Answer, CallRecord, Evidence, ReadTerminal } from "./evidence.js";

type Of<Kind extends HistoryEvent["kind"]> = Extract<HistoryEvent, { readonly kind: Kind }>;

/** Everything about one call. */
export interface CallFile {
  readonly call: string;
  readonly asked: readonly Of<"asked">[];
  readonly admitted: readonly Of<"admitted">[];
  readonly ended: readonly Of<"ended">[];
  readonly refused: readonly Of<"refused">[];
  readonly unknown: readonly Of<"unknown">[];
  readonly starts: readonly LedgerLine[];
  readonly ends: readonly LedgerLine[];
  readonly record: CallRecord | undefined;
  /** How many times Redis lost everything since the call was first asked for. */
  readonly flushes: number;
}

/** Sorts the evidence by call. Calls that were executed without being asked for are among them. */
export function callFiles(evidence: Evidence): CallFile[] {
  const events = new Map<string, HistoryEvent[]>();
  const lines = new Map<string, LedgerLine[]>();
  for (const event of evidence.history) if (event.kind !== "watched") push(events, event.call, event);
  for (const line of evidence.ledger) push(lines, line.call, line);
  const records = new Map(evidence.records.map((record) => [record.call, record]));
  const flushes = evidence.faults.filter(({ kind }) => kind === "flush");
  return [...new Set([...events.keys(), ...lines.keys()])].map((call) => {
    const own = events.get(call) ?? [];
    const executed = lines.get(call) ?? [];
    const asked = own.filter((event) => event.kind === "asked");
    const firstMs = Math.min(...asked.map(({ atMs }) => atMs));
    return {
      call,
      asked,
      admitted: own.filter((event) => event.kind === "admitted"),
      ended: own.filter((event) => event.kind === "ended"),
      refused: own.filter((event) => event.kind === "refused"),
      unknown: own.filter((event) => event.kind === "unknown"),
      starts: executed.filter(({ phase }) => phase === "start"),
      ends: executed.filter(({ phase }) => phase === "end"),
      record: records.get(call),
      // Until its healing, a flush can meet calls that were asked for after it began.
      flushes: flushes.filter(({ healedAtMs }) => healedAtMs >= firstMs).length,
    };
  });
}

/** The terminals that the call's readings told, one per reading. */
export function readTerminals({ record }: CallFile): ReadTerminal[] {
  return (record?.readings ?? []).flatMap(({ answer }) => (answer.kind === "ended" ? [answer.terminal] : []));
}

/** A call's deadline by its record or, failing that, by its handle; undefined when neither is there. */
export function deadlineOf({ record, admitted }: CallFile): number | undefined {
  for (const { answer } of record?.readings ?? []) {
    if ((answer.kind === "ended" || answer.kind === "unfinished") && answer.deadlineMs !== undefined) {
      return answer.deadlineMs;
    }
  }
  return admitted[0]?.deadlineMs;
}

/** The lines of evidence about a call, for people. */
export function linesOf(file: CallFile): string[] {
  const events = [...file.asked, ...file.admitted, ...file.ended, ...file.refused, ...file.unknown];
  const timed = [
    ...events.map((event) => ({ atMs: event.atMs, text: `history ${JSON.stringify(event)}` })),
    ...[...file.starts, ...file.ends].map((line) => ({ atMs: line.atMs, text: `ledger  ${JSON.stringify(line)}` })),
  ];
  timed.sort((a, b) => a.atMs - b.atMs);
  const answers = new Map<string, string[]>();
  for (const { node, asked, answer } of file.record?.readings ?? []) {
    push(
      answers,
      JSON.stringify(shown(answer)),
      asked.kind === "get" ? `${node} get` : `${node} follow ${asked.cursor}`,
    );
  }
  return [
    ...timed.map(({ text }) => text),
    ...[...answers].map(([answer, readers]) => `record  ${answer} (${readers.join(", ")})`),
  ];
}

function shown(answer: Answer): unknown {
  if (answer.kind !== "ended") return answer;
  const { bytes: _bytes, ...terminal } = answer.terminal;
  return { ...answer, terminal, deltas: answer.deltas.map(({ cursor }) => cursor) };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
