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

/** The rule that allows what was denied, as the text after `ACL SETUSER <user>`. */
export function allowingRule({ kind, command }: Pick<Denial, "kind" | "command">, ours = ALL_OURS): string {
  switch (kind) {
    case "command":
      return command === undefined
        ? "the commands in docs/redis-acl.md"
        : `+${command.toLowerCase().replace(" ", "|")}`;
    case "key":
      return `~${ours}`;
    case "channel":
      return `&${ours}`;
    default:
      return kind satisfies never;
  }
}

/** What was denied, and the rule that allows it, in a sentence. */
export function describeDenial(denial: Pick<Denial, "kind" | "command">, ours = ALL_OURS): string {
  const { kind, command } = denial;
  const rule = allowingRule(denial, ours);
  const what = {
    command: command === undefined ? "a command" : `the command ${command}`,
    key: `the keys ${ours}${command === undefined ? "" : ` (${command})`}`,
    channel: `the channels ${ours}${command === undefined ? "" : ` (${command})`}`,
  }[kind];
  const add = kind === "command" && command === undefined ? `allow ${rule}` : `add it with ACL SETUSER <user> ${rule}`;
  return `Redis denies the nodes' user ${what}; ${add}`;
}
