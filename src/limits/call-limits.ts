import type { MatchedCall } from "../documents/call-match.js";
import type { DocumentsReader } from "../documents/document.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import type { Principal } from "../identity/principal.js";
import { plainName, tenantOf } from "../identity/toolset-name.js";
import type { Keyspace, ShardKeys } from "../redis/keys.js";
import { LIMIT } from "./limit.js";
import { compileLimit, isOfToolset, type LimitRule, loopSubject, type RuledLimit, subjectOf } from "./limit-rule.js";

/** The limits that a call has, by where they count. Calls that have the same ones get the same lists. */
export interface BoundLimits {
  /** In the call's shard: by the script that admits it. */
  readonly counted: readonly RuledLimit[];
  /** In another shard, its caller's tenant's: by a script before that. Empty where there is one shard. */
  readonly reserved: readonly RuledLimit[];
  readonly reservedAt: ShardKeys;
}

/** What a caller of a tool is limited by, whatever the run. */
interface Bounds {
  readonly call: MatchedCall;
  readonly always: BoundLimits;
  /** Those that count for each run. */
  readonly ofRuns: readonly LimitRule[];
  /** The strictest of those that end loops. */
  readonly loop: LimitRule | undefined;
  /** By run: what `always` says, and those of the run. */
  readonly runs: Map<string, BoundLimits>;
}

/** The most toolsets of a principal, the most tools of each, and the most runs of each of those, whose limits are remembered. */
const MAX_TOOLSETS = 32;
const MAX_TOOLS = 64;
const MAX_RUNS = 256;

/** Which limits a call has, by the documents of now. Costs nothing while there is no such document. */
export class CallLimits {
  readonly #documents: Pick<DocumentsReader, "all" | "onChange">;
  readonly #keyspace: Pick<Keyspace, "forTenant" | "forToolset">;
  #rules: readonly LimitRule[] = [];
  /** By principal, which is the same object for each call of a credential: making a key of all four names costs more than three lookups. */
  #bounds = new WeakMap<object, Map<ToolsetName, Map<ToolName, Bounds | undefined>>>();
  #stopFollowing: (() => void) | undefined;

  constructor(
    documents: Pick<DocumentsReader, "all" | "onChange">,
    keyspace: Pick<Keyspace, "forTenant" | "forToolset">,
  ) {
    this.#documents = documents;
    this.#keyspace = keyspace;
  }

  /** Follows the documents from now on. */
  start(): void {
    this.#stopFollowing ??= this.#documents.onChange((changed) => {
      if (changed.some(({ kind }) => kind === LIMIT.kind)) this.#compile();
    });
    this.#compile();
  }

  stop(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
  }

  /**
   * The limits of a call; nothing where there are none.
   *
   * @param runId the run that its agent says it belongs to; only then limits of runs hold.
   * @param payload its arguments: a loop is of the same ones.
   */
  of(
    principal: Pick<Principal, "tenant" | "id">,
    toolset: ToolsetName,
    tool: ToolName,
    runId: string | undefined,
    payload: Buffer,
  ): BoundLimits | undefined {
    if (this.#rules.length === 0) return undefined;
    const bounds = this.#boundsOf(principal, toolset, tool);
    if (bounds === undefined) return undefined;
    const limits = runId === undefined ? bounds.always : this.#ofRun(bounds, runId);
    if (bounds.loop === undefined || runId === undefined) return isEmpty(limits) ? undefined : limits;
    const most = bounds.loop.spec.loop?.failures ?? 0; // what it was chosen by
    const subject = loopSubject(bounds.call, runId, payload);
    const guard = { kind: "loop", subject, most, everyUs: 0, rule: bounds.loop } as const;
    return { ...limits, counted: [...limits.counted, guard] };
  }

  #compile(): void {
    this.#rules = [...this.#documents.all(LIMIT)].map(compileLimit);
    this.#bounds = new WeakMap();
  }

  #boundsOf(principal: Pick<Principal, "tenant" | "id">, toolset: ToolsetName, tool: ToolName): Bounds | undefined {
    const toolsets = entry(this.#bounds, principal, () => new Map<ToolsetName, Map<ToolName, Bounds | undefined>>());
    if (toolsets.size >= MAX_TOOLSETS && !toolsets.has(toolset)) toolsets.clear();
    const tools = entry(toolsets, toolset, () => new Map<ToolName, Bounds | undefined>());
    if (tools.size >= MAX_TOOLS && !tools.has(tool)) tools.clear();
    return entry(tools, tool, () => this.#find(principal, toolset, tool));
  }

  #find({ tenant, id }: Pick<Principal, "tenant" | "id">, toolset: ToolsetName, tool: ToolName): Bounds | undefined {
    const parts = { toolsetTenant: tenantOf(toolset), toolsetName: plainName(toolset) };
    const call: MatchedCall = { tenant, id, toolset, tool, ...parts };
    const rules = this.#rules.filter((rule) => rule.fits(call));
    return rules.length === 0 ? undefined : this.#bind(call, rules);
  }

  #bind(call: MatchedCall, rules: readonly LimitRule[]): Bounds {
    const ofRuns = rules.filter(({ spec, counts }) => spec.per === "run" && counts.length > 0);
    const loops = rules.filter(({ spec }) => spec.loop !== undefined);
    const strictest = loops.toSorted((a, b) => (a.spec.loop?.failures ?? 0) - (b.spec.loop?.failures ?? 0))[0];
    const always = this.#place(
      call,
      limitsOf(
        rules.filter(({ spec }) => spec.per !== "run"),
        call,
        "",
      ),
    );
    return { call, always, ofRuns, loop: strictest, runs: new Map() };
  }

  #ofRun({ call, always, ofRuns, runs }: Bounds, runId: string): BoundLimits {
    if (ofRuns.length === 0) return always;
    const known = runs.get(runId);
    if (known !== undefined) return known;
    if (runs.size >= MAX_RUNS) runs.clear();
    const own = this.#place(call, limitsOf(ofRuns, call, runId));
    const limits = {
      ...always,
      counted: [...always.counted, ...own.counted],
      reserved: [...always.reserved, ...own.reserved],
    };
    runs.set(runId, limits);
    return limits;
  }

  /** By where they count. */
  #place(call: MatchedCall, limits: readonly RuledLimit[]): BoundLimits {
    const reservedAt = this.#keyspace.forTenant(call.tenant);
    const here = this.#keyspace.forToolset(call.toolset) === reservedAt;
    const isCounted = ({ rule }: RuledLimit): boolean => here || isOfToolset(rule.spec.per);
    return {
      counted: limits.filter(isCounted),
      reserved: limits.filter((limit) => !isCounted(limit)),
      reservedAt,
    };
  }
}

/** What is in a map; made, and kept there, where nothing is. */
function entry<Key, Value>(
  map: { has(key: Key): boolean; get(key: Key): Value | undefined; set(key: Key, value: Value): unknown },
  key: Key,
  make: () => Value,
): Value {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as Value; // it was put there as one
  const made = make();
  map.set(key, made);
  return made;
}

function limitsOf(rules: readonly LimitRule[], call: MatchedCall, runId: string): RuledLimit[] {
  return rules.flatMap((rule) =>
    rule.counts.map((count) => ({ ...count, rule, subject: subjectOf(rule, count.kind, call, runId) })),
  );
}

function isEmpty({ counted, reserved }: BoundLimits): boolean {
  return counted.length === 0 && reserved.length === 0;
}
