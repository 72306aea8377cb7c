import { VERSION } from "../../../src/version.js";
import { compileEdited, type Edit, type EditedBuild, makeTestBuild, removeTestBuild } from "../test-build.js";
import type { Build } from "./build.js";

/** A version that no release has: far above all that there will be. */
const FUTURE_VERSION = "99.0.0";

/**
 * A build of later: it writes and says what today's does not know. What today's makes of it shows whether upgrades from today's on
 * can work. Each edit adds what a later version may add: a field to what is stored, a value to an enumeration.
 */
export const FUTURE: EditedBuild = {
  name: "future",
  edits: [
    {
      replace: `export const VERSION = "${VERSION}";`,
      by: `export const VERSION = "${FUTURE_VERSION}";`,
    },
    // A node that drains tells its providers to go for a reason that they do not know.
    {
      replace: 'draining: "GO_AWAY_REASON_NODE_DRAINING",',
      by: 'draining: "GO_AWAY_REASON_LATER" as never,',
    },
    appendValue("GO_AWAY_REASON_UNREGISTERED", 5, "GO_AWAY_REASON_LATER"),
    // One that cancels a call gives providers a reason that they do not know. What a reader is told of an end that both builds know must
    // be the same at both: it is read again from the other one.
    {
      replace: 'CANCELLED: "CANCEL_REASON_CANCELLED",',
      by: 'CANCELLED: "CANCEL_REASON_LATER" as never,',
    },
    appendValue("CANCEL_REASON_OUTPUT_LIMIT", 4, "CANCEL_REASON_LATER"),
    // A provider's hello and a node's welcome have a field more.
    appendField("clientVersion", 5),
    {
      replace: "clientVersion: CLIENT_VERSION,",
      by: 'clientVersion: CLIENT_VERSION, ...{ later: "hello" },',
    },
    appendField("nodeVersion", 6),
    {
      replace: "nodeVersion: VERSION,",
      by: 'nodeVersion: VERSION, ...{ later: "welcome" },',
    },
    // A toolset's record, and each of its epochs, have one member more.
    {
      replace: "  record.generation = record.generation + 1\n",
      by: [
        "  record.generation = record.generation + 1",
        "  record.later = { since = now }",
        "  for _, entry in ipairs(record.epochs) do entry.later = 'kept' end\n",
      ].join("\n"),
    },
    // So have an epoch's health, a provider's entry,
    {
      replace: "h.room, h.announced) .. (h.more or '')",
      by: "h.room, h.announced) .. (h.more and h.more ~= '' and h.more or ' later')",
    },
    {
      replace: "p.stage, p.session) .. (p.more or '')",
      by: "p.stage, p.session) .. (p.more and p.more ~= '' and p.more or ' later')",
    },
    // a node's,
    {
      replace: "string.format('1 %.0f %s %s', now",
      by: "string.format('1 %.0f %s %s later', now",
    },
    // and each line of a call's record: what was fixed at the admission, where it stands, and how it ended.
    {
      replace: "ARGV[3] .. ' ' .. text[now] .. ' ' .. way.caller\n",
      by: "ARGV[3] .. ' ' .. text[now] .. ' ' .. way.caller .. ' later'\n",
    },
    {
      replace: "'-' or call.watchers) .. call.more, 'PXAT'",
      by: "'-' or call.watchers) .. (call.more == '' and ' later' or call.more), 'PXAT'",
    },
    {
      replace: "text[call.claimed] .. '\\n' .. body",
      by: "text[call.claimed] .. ' later\\n' .. body",
    },
    // Entries of streams have a field more: calls that wait, output, and changes of the catalogue; one kind of change is new.
    {
      replace: "'payload', payload, 'meta', meta)",
      by: "'payload', payload, 'meta', meta, 'later', '1')",
    },
    {
      replace: "'attempt', text[call.attempt], 'data', data)",
      by: "'attempt', text[call.attempt], 'data', data, 'later', '1')",
    },
    {
      replace: "'kind', kind, 'toolset', name, 'epoch', epoch)",
      by: "'kind', kind, 'toolset', name, 'epoch', epoch, 'later', '1')",
    },
    {
      replace: "announce('activated', record.name, candidate.epoch)",
      by: "announce('activated', record.name, candidate.epoch)\n  announce('compared', record.name, candidate.epoch)",
    },
  ],
};

/** Adds a field to a message of the wire contract, behind the one that is its last today. */
function appendField(last: string, id: number): Edit {
  const definition = `"${last}": {\n         "type": "string",\n         "id": ${id}\n        }`;
  return { replace: definition, by: `${definition},\n        "later": { "type": "string", "id": 15 }` };
}

/** Adds a value to an enumeration of the wire contract, behind the one that is its last today. */
function appendValue(last: string, number: number, name: string): Edit {
  const definition = `"${last}": ${number}`;
  return { replace: definition, by: `${definition},\n        "${name}": 99` };
}

/** Makes the future build, lets the work be done with it, and removes it. */
export async function withFutureBuild<Result>(work: (build: Build) => Promise<Result>): Promise<Result> {
  const javascript = compileEdited([FUTURE]).get(FUTURE.name) ?? new Map<string, string>();
  const root = makeTestBuild(FUTURE.name, javascript, FUTURE_VERSION);
  try {
    return await work({ name: "a future one", version: FUTURE_VERSION, root });
  } finally {
    removeTestBuild(root);
  }
}
