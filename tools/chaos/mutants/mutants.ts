import type { Edit, EditedBuild } from "../test-build.js";
import type { DrillName } from "./drills.js";

/**
 * A seeded bug: an edit of the source that breaks a promise. It is made in a build of its own and nowhere else; nothing that is
 * published can be switched to it.
 */
export interface Mutant extends Edit {
  readonly name: string;
  /** What goes wrong, in words. */
  readonly breaks: string;
  /** A second place, where two together keep the promise. */
  readonly also?: Edit;
  /** What it is tried in. */
  readonly drill: DrillName;
}

/** A mutant as the build that it is made in. */
export function mutantBuild({ name, replace, by, also }: Mutant): EditedBuild {
  return { name, edits: [{ replace, by }, ...(also === undefined ? [] : [also])] };
}

/** The seeded bugs. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "no-dedup",
    breaks: "a call that came before is admitted again",
    replace: "if digest ~= '-' and (admitted[id] or redis.call('EXISTS', key) == 1) then",
    by: "if false then",
    drill: "calm",
  },
  {
    name: "notifies-without-record",
    breaks: "an end is told to whoever waits, and not written down",
    replace: "local terminal = save_end(call, kind, reason, body)",
    by: "local terminal = kind .. ' ' .. reason .. ' ' .. text[call.attempt] .. ' ' .. text[now] .. ' 0\\n' .. body",
    drill: "calm",
  },
  {
    name: "expires-at-once",
    breaks: "a call's record expires when the call has ended",
    replace: ".. '\\n' .. terminal, 'KEEPTTL')",
    by: ".. '\\n' .. terminal, 'PX', '300')",
    drill: "calm",
  },
  {
    name: "result-cut-short",
    breaks: "a result is written without its last byte",
    replace: "const bodies = completions.map(({ body }) => body);",
    by: "const bodies = completions.map(({ body }) => body.subarray(0, -1));",
    drill: "calm",
  },
  {
    name: "cursor-off-by-one",
    breaks: "a reader is told again what it has seen",
    replace: "'(' .. ARGV[2]",
    by: "ARGV[2]",
    drill: "calm",
  },
  {
    name: "new-id-per-request",
    breaks: "the client sends each request under an id of its own",
    replace: "toolCallId: options.toolCallId ?? randomUUID() }",
    by: "toolCallId: randomUUID() }",
    drill: "calm",
  },
  {
    name: "claims-not-renewed",
    breaks: "a claim ends although its provider is heard",
    replace: "const answers = await renewClaims(calls, keys, node, claims);",
    by: "const answers = claims.map((): string => String(keys && calls && node && 'held'));",
    drill: "long-calls",
  },
  {
    name: "once-runs-again",
    breaks: "a once call is delivered again when its provider is lost",
    replace: "if call.delivery ~= 'idempotent' then",
    by: "if false then",
    drill: "lost-provider",
  },
  {
    name: "settles-at-once",
    breaks: "an outage of Redis ends the claims that nobody could extend meanwhile",
    replace: "return math.max(claim, latest.returned + lease_ms)",
    by: "return claim",
    drill: "long-outage",
  },
  {
    name: "never-settles",
    breaks: "nobody ends the calls of lost providers",
    replace: "local ids = redis.pcall('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[1])",
    by: "local ids = {}",
    drill: "lost-provider",
  },
  {
    name: "same-attempt-again",
    breaks: "a re-delivery has the number of the attempt before",
    replace: "call.attempt = call.attempt + 1",
    by: "call.attempt = 1",
    drill: "lost-provider",
  },
  {
    name: "says-not-executed",
    breaks: "a call that may have run ends as not executed",
    replace: "call.attempt == 0 and 'not_executed' or 'outcome_unknown'",
    by: "'not_executed'",
    drill: "no-providers",
  },
  {
    name: "claims-last-long",
    breaks: "claims end long after their lease",
    replace: "owner, node, now + lease_ms",
    by: "owner, node, now + 20 * lease_ms",
    drill: "lost-provider",
  },
  {
    name: "attempts-unbounded",
    breaks: "an idempotent call is delivered again and again",
    replace: "elseif call.attempt >= max_attempts then",
    by: "elseif false then",
    drill: "one-attempt",
  },
  {
    name: "no-fence-of-attempts",
    breaks: "an answer of an earlier attempt counts",
    replace: "and call.owner == owner and call.attempt == tonumber(attempt)",
    by: "",
    drill: "late-answers",
  },
  {
    name: "settles-twice",
    breaks: "a call that has ended ends again with a late answer",
    replace: "if holds(call, owner, attempt) then",
    by: "if call then\n    call.watchers = call.watchers or ''",
    drill: "late-answers",
  },
  {
    name: "output-not-fenced",
    breaks: "output of an earlier attempt goes into the later one's",
    replace: "if holds(call, ARGV[i + 1], ARGV[i + 2]) then",
    by: "if call and not call.terminal then",
    drill: "late-answers",
  },
  {
    name: "forgets-calls-in-hand",
    breaks: "a provider that attaches anew does not get its calls back, but gets them again",
    replace: "if holds(call, owner, ARGV[i + 1]) and call.requests == line.requests then",
    by: "if false then",
    drill: "lost-gateways",
  },
  {
    name: "forgets-results",
    breaks: "a provider forgets a result before it is settled",
    replace: "this.#setup.onOutcome(outcome);\n    }",
    by: "this.#setup.onOutcome(outcome);\n      this.#forget({ kind: 'running', call });\n    }",
    drill: "cut-providers",
  },
  {
    name: "slots-not-taken",
    breaks: "two pingers ping the same slot",
    replace: "if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end",
    by: "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])",
    drill: "restarts",
  },
  {
    name: "lock-for-long",
    breaks: "the pinger's lock outlives the pinger",
    replace: "lock.extend(this.#settings.ttlMs)",
    by: "lock.extend(30 * this.#settings.ttlMs)",
    drill: "lost-gateways",
  },
  {
    name: "gives-up",
    breaks: "the client asks no other node",
    replace: 'return ERROR_CODES[error.reason].retry === "elsewhere" && (error.executed === "no" || repeatable);',
    by: 'return ERROR_CODES[error.reason].retry === "never" && (error.executed === "no" || repeatable);',
    drill: "restarts",
  },
  {
    name: "tells-before-writing",
    breaks: "a result is acknowledged before it is written",
    replace: "return this.#completions.add(completion);",
    by: "this.#completions.add(completion).catch(() => {});\n    return Promise.resolve({ kind: 'accepted', ending: {} as Ending });",
    drill: "cut-store",
  },
  {
    name: "trusts-notifications",
    breaks: "a call whose notification was lost is never looked up",
    replace: "this.#probeShard(keys, this.#watched.keys())",
    by: "this.#probeShard(keys, [])",
    also: { replace: "Promise.race([this.#probe(ids), patience])", by: "Promise.race([this.#probe([]), patience])" },
    drill: "cut-store",
  },
  {
    name: "stops-at-an-error",
    breaks: "a periodic task that failed once is never done again",
    replace: ".finally(() => this.#busy.delete(keys));",
    by: ".then(() => { if (!failed) this.#busy.delete(keys); });",
    drill: "lost-store",
  },
  {
    name: "resends",
    breaks: "what was under way when a connection broke is sent again (the client library's own ways)",
    replace: "maxRetriesPerRequest: 0,\n  enableOfflineQueue: false,\n  autoResendUnfulfilledCommands: false,",
    by: "maxRetriesPerRequest: 20,\n  enableOfflineQueue: true,\n  autoResendUnfulfilledCommands: true,",
    drill: "lost-replies",
  },
  {
    name: "denies-what-ran",
    breaks: "a lost reply counts as a refusal",
    replace: '{ cause: "The connection to Redis broke before the answer", executed: "unknown" }',
    by: '{ cause: "The connection to Redis broke before the answer", executed: "no" }',
    drill: "lost-replies",
  },
  {
    name: "trusts-sockets",
    breaks: "a half-open connection to Redis is never noticed",
    replace: "this.#watchdog.start();",
    by: "",
    drill: "half-open-store",
  },
  {
    name: "trusts-local-clock",
    breaks: "the node's own clock decides in place of Redis's",
    replace: "return Math.round(this.#monotonicMs() + (this.#offsetMs ?? 0));",
    by: "return Date.now() + 0 * (this.#offsetMs ?? 0);",
    drill: "wrong-clocks",
  },
  {
    name: "group-from-now",
    breaks: "a consumer group that is made again begins at the line's end",
    replace: "redis.call('XGROUP', 'CREATE', line.requests, 'providers', '0', 'MKSTREAM')",
    by: "redis.call('XGROUP', 'CREATE', line.requests, 'providers', '$', 'MKSTREAM')",
    drill: "forgetful-store",
  },
  {
    name: "script-not-known",
    breaks: "a script that Redis has forgotten is not sent again",
    replace:
      'return (await redis.callBuffer("EVALSHA", [script.sha, keys.length, ...keys, ...args])) as Reply; // ioredis types it unknown\n  } catch (error) {\n    if (!isNoScript(error)) throw refusal(redis, script, error);',
    by: 'const reply = (await redis.callBuffer("EVALSHA", [script.sha, keys.length, ...keys, ...args])) as Reply;\n    Reflect.set(script, "known", true);\n    return reply;\n  } catch (error) {\n    if (!isNoScript(error) || Reflect.has(script, "known")) throw refusal(redis, script, error);',
    drill: "forgetful-store",
  },
  {
    name: "epoch-again",
    breaks: "epochs begin anew when Redis lost everything",
    replace: "local epoch = math.max(last_epoch(KEYS[5], name, orphans) + 1, now)",
    by: "local epoch = last_epoch(KEYS[5], name, orphans) + 1",
    drill: "flush",
  },
  {
    name: "watch-goes-back",
    breaks: "a watch tells an older revision after a newer one",
    replace: "this.#reported = this.#reported === undefined ? positions : laterPositions(this.#reported, positions);",
    by: "this.#reported = laterPositions(positions, positions);",
    drill: "forgetful-store",
  },
  {
    name: "releases-another",
    breaks: "a former incarnation gives back the lease of the next one",
    replace: "local p, fault = check_holder(name, epoch, provider, incarnation, ARGV[6])",
    by: "local p, fault = read_provider(name, epoch, provider), 'lost'",
    drill: "calm",
  },
  {
    name: "pong-of-the-dead",
    breaks: "a pong of an epoch that is gone is recorded",
    replace: "  if h and lease_end and is_held(tonumber(lease_end)) then",
    by: "  h = h or { state = 'active', pong = 0, live = now + 60000, room = 1, announced = '0' }\n  if h then",
    drill: "calm",
  },
  {
    name: "leads-by-wall-clock",
    breaks: "a leader trusts its lock by the wall clock, which may stand",
    replace: "constructor(settings: LeaderSettings) {\n    this.#settings = settings;",
    by: "constructor(settings: LeaderSettings) {\n    this.#settings = { ...settings, monotonicMs: () => Date.now() };",
    drill: "standing-clocks",
  },
  {
    name: "drops-the-retiring",
    breaks: "providers of a retiring contract lose their calls when the next one takes over",
    replace: "if active then set_state(record, active, 'retiring') end",
    by: "if active then\n    set_state(record, active, 'retiring')\n    local of = record.name .. ':' .. string.format('%.0f', active.epoch)\n    redis.call('DEL', prefix .. 'leases:' .. of, prefix .. 'providers:' .. of)\n  end",
    drill: "new-contract",
  },
  {
    name: "last-writer-wins",
    breaks: "a document is changed whatever revision its writer has seen",
    replace:
      "elseif expected ~= '' and tonumber(expected) ~= found and not (not entry and tonumber(expected) == last) then",
    by: "elseif false then",
    drill: "rules",
  },
  {
    name: "rate-not-spent",
    breaks: "a call that a rate lets in takes nothing of it",
    replace: "limit.used + turn.spent * (limit.kind == 'rate' and limit.every or 1), true",
    by: "limit.used + turn.spent * (limit.kind == 'rate' and 0 or 1), true",
    drill: "rules",
  },
  {
    name: "places-not-counted",
    breaks: "a limit of unfinished calls lets in any number",
    replace: "limit.until_ms = math.max(limit.until_ms or 0, deadline)",
    by: "limit.until_ms = nil",
    drill: "rules",
  },
  {
    name: "places-kept",
    breaks: "a call that has ended keeps its place until its deadline",
    replace: "if ids then ids[#ids + 1] = call.id else released[key] = { call.id } end",
    by: "released[key] = ids",
    drill: "rules",
  },
  {
    name: "allow-wins",
    breaks: "a rule that allows counts for more than one that denies",
    replace: 'if (denial !== undefined) return { kind: "denied", by: denial };',
    by: 'if (denial !== undefined && allowances.length === 0) return { kind: "denied", by: denial };',
    also: {
      replace: "if (denials.length === 0 && allowance !== undefined) return",
      by: "if (allowance !== undefined) return",
    },
    drill: "rules",
  },
  {
    name: "revoked-holds",
    breaks: "a key that was revoked goes on to open",
    replace: 'if (denied.revokes(verdict.proof, nowMs)) return refused("revoked", credential);',
    by: "",
    drill: "rules",
  },
  {
    name: "ids-of-all-tenants",
    breaks: "the same ids of two tenants are one call",
    replace: "JSON.stringify([tenant, toolset, runId, toolCallId])",
    by: "JSON.stringify([tenant && toolset, runId, toolCallId])",
    drill: "rules",
  },
];
