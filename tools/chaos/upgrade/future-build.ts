import { VERSION } from "../../../src/version.js";
import { compileEdited, type EditedBuild, makeTestBuild, removeTestBuild } from "../test-build.js";
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
      replace: 'this.#goAway(session, "GO_AWAY_REASON_NODE_DRAINING"),',
      by: "this.#goAway(session, 99 as never),",
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
    // So have an epoch's health and a provider's entry,
    {
      replace: "h.room, h.announced) .. (h.more or '')",
      by: "h.room, h.announced) .. (h.more and h.more ~= '' and h.more or ' later')",
    },
    {
      replace: "p.stage, p.session) .. (p.more or '')",
      by: "p.stage, p.session) .. (p.more and p.more ~= '' and p.more or ' later')",
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
      replace: "text[call.claimed] .. '\\\\n' .. body",
      by: "text[call.claimed] .. ' later\\\\n' .. body",
    },
  ],
};

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
