import type { Branded } from "./names.js";
import type { TenantName } from "./tenant.js";

/** A tenant and a principal within it, as two words: how records name the caller. */
export type CallerName = Branded<string, "CallerName">;

/** What is no part of a word: records are words with spaces between them. */
const NO_WORD = /[^!#$&-[\]-~]/gu;

/** What was made of principals: they ask for their names with each call, several times, and a name takes half a microsecond to make. */
const NAMES = new WeakMap<object, CallerName>();

/** The name of a caller. What is not printable ASCII in its parts is percent-encoded, as are the percent sign, quotes and backslashes; an empty part is `-`, and a part that is `-` is encoded. */
export function callerName(caller: { readonly tenant: string; readonly id: string }): CallerName {
  let name = NAMES.get(caller);
  if (name === undefined) {
    name = `${asWord(caller.tenant)} ${asWord(caller.id)}` as CallerName; // two words by now
    NAMES.set(caller, name);
  }
  return name;
}

/** The tenant of a caller: nothing in a tenant's name is ever encoded. */
export function tenantOfCaller(caller: CallerName): TenantName {
  return caller.slice(0, caller.indexOf(" ")) as TenantName; // it was one when the name was made
}

/** A text as one word of a record; see `callerName`. */
export function asWord(text: string): string {
  if (text === "-") return "%2D";
  return (
    text.replace(NO_WORD, (character) => encodeURIComponent(isLoneSurrogate(character) ? "\ufffd" : character)) || "-"
  );
}

/** The text that a word of a record stands for. Of a word that was damaged, the word itself. */
export function fromWord(word: string): string {
  if (word === "-") return "";
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

function isLoneSurrogate(character: string): boolean {
  return character.length === 1 && character >= "\ud800" && character <= "\udfff";
}
