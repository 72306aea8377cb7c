/**
 * What Redis says when its ACL denies the user something. A command that stands alone is refused with NOPERM; within a script
 * Redis 7.0 says "The user executing the script can't …", later versions "ACL failure in script: …".
 */

/** What a user may not do. */
export interface Denial {
  readonly kind: "command" | "key" | "channel";
  /** The command, where Redis names it, in capitals. */
  readonly command: string | undefined;
  /** Nothing was done: Redis refused the command itself, not one within a script that may have run others before. */
  readonly definite: boolean;
}

/** Reads a denial from Redis's words; nothing when they say something else. */
export function readDenial(message: string): Denial | undefined {
  const definite = message.startsWith("NOPERM");
  if (!definite && !/The user executing the script can't |ACL failure in script/.test(message)) return undefined;
  const command = /run the '([^']+)' command/.exec(message)?.[1]?.toUpperCase().replace("|", " ");
  return { kind: kindOf(message), command, definite };
}

function kindOf(message: string): Denial["kind"] {
  if (/\bchannels?\b/.test(message)) return "channel";
  return /\bkeys?\b/.test(message) ? "key" : "command";
}

/** The command of a script that was denied, by the line that Redis names; nothing when it names none, or none is there. */
export function deniedCommand(lua: string, message: string): string | undefined {
  const line = /on @user_script:(\d+)/.exec(message)?.[1];
  if (line === undefined) return undefined;
  return /redis\.p?call\('([A-Z]+)'/.exec(lua.split("\n")[Number(line) - 1] ?? "")?.[1];
}

/** What all keys and channels of Toolgate begin with. */
const ALL_OURS = "toolgate:*";

/** What was denied, and the rule that allows it, in a sentence. */
export function describeDenial(denial: Pick<Denial, "kind" | "command">): string {
  return describeDenials([denial], ALL_OURS);
}

/**
 * The same for all that was denied.
 *
 * @param ours the pattern of the keys and channels that it was denied on.
 */
export function describeDenials(denials: readonly Pick<Denial, "kind" | "command">[], ours: string): string {
  const commandsOf = (kind: Denial["kind"]): string[] => [
    ...new Set(
      denials.flatMap((denial) => (denial.kind === kind && denial.command !== undefined ? [denial.command] : [])),
    ),
  ];
  const has = (kind: Denial["kind"]): boolean => denials.some((denial) => denial.kind === kind);
  const [commands, onKeys, onChannels] = [commandsOf("command"), commandsOf("key"), commandsOf("channel")];
  const what: string[] = [];
  const rules: string[] = [];
  if (has("key")) {
    what.push(`the keys ${ours}${named(onKeys)}`);
    rules.push(`~${ours}`);
  }
  if (has("channel")) {
    what.push(`the channels ${ours}${named(onChannels)}`);
    rules.push(`&${ours}`);
  }
  if (has("command")) what.push(commands.length === 0 ? "a command" : `${plural(commands)} ${listed(commands)}`);
  rules.push(...commands.slice(0, MOST_NAMED).map((command) => `+${command.toLowerCase().replace(" ", "|")}`));
  const remedy = rules.length === 0 ? "" : `allow it with ACL SETUSER <user> ${rules.join(" ")}; `;
  return `Redis denies the nodes' user ${what.join(", and ")}: ${remedy}docs/redis-acl.md has all that they need`;
}

/** The most commands that are named. */
const MOST_NAMED = 8;

const named = (commands: readonly string[]): string => (commands.length === 0 ? "" : ` (${listed(commands)})`);
const plural = (commands: readonly string[]): string => (commands.length === 1 ? "the command" : "the commands");

function listed(commands: readonly string[]): string {
  const more = commands.length - MOST_NAMED;
  return `${commands.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
