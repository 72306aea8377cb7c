import { randomUUID } from "node:crypto";
import { env } from "node:process";
import { connect, ToolCallError, ToolgateError } from "toolgate";

/** What agents do first, against any provider of the toolset `words`. */

interface Counts {
  readonly words: number;
  readonly different: number;
}

await using client = await connect(env.TOOLGATE_NODES ?? "127.0.0.1:7400");

const { version, tools } = await client.get("words");
console.log(`words ${version}: ${tools.map((tool) => tool.name).join(", ")}`);

// Both ids make the call's identity: a repeat, on any node, attaches to the first call and runs nothing. Without ids of your
// own, the SDK makes some, and repeats by them while nodes go away.
const runId = randomUUID();
const text = "to be or not to be";
const counts = await client.invoke<Counts>("words", "count_words", { text }, { runId, toolCallId: "count" });
console.log(`count_words: ${counts.words} words, ${counts.different} different`);
const again = await client.call("words", "count_words", { text }, { runId, toolCallId: "count" });
console.log(`the same ids again: ${again.repeated ? "the same call" : "another call"}`);

const letters: string[] = [];
const { letters: spelled } = await client.invoke<{ letters: number }>(
  "words",
  "spell",
  { text: "abc" },
  { onDelta: (delta) => letters.push((delta as { letter: string }).letter) }, // by the tool's description
);
console.log(`spell: ${letters.join(" ")}, ${spelled} letters`);

for (const wrong of [{ text: 7 }, { text: " " }]) {
  await client.invoke("words", "count_words", wrong).catch((error: unknown) => console.log(describe(error)));
}

// An abort rejects at once, with the signal's reason; how the call ended, a repeat with its ids tells.
const impatience = new AbortController();
const endless = { text: "never", pause_s: 60 };
const ids = { runId, toolCallId: "endless" };
await client
  .invoke("words", "spell", endless, { ...ids, signal: impatience.signal, onDelta: () => impatience.abort() })
  .catch((error: unknown) => {
    if (error !== impatience.signal.reason) throw error;
  });
await client.invoke("words", "spell", endless, ids).catch((error: unknown) => console.log(describe(error)));

/**
 * `executed` decides about another try: after "no" the tool did not run; after "yes" it did, and failed; after "unknown" repeat
 * with the same ids, or only what may happen twice.
 */
function describe(error: unknown): string {
  if (error instanceof ToolCallError) return `${error.kind}: ${error.reason}, executed: ${error.executed}`;
  if (!(error instanceof ToolgateError)) throw error;
  const at = error.violations.map(({ field }) => ` at ${field}`).join();
  return `refused: ${error.reason}${at}, executed: ${error.executed}`;
}
