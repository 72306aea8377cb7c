import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "./environment.js";

/**
 * Where clients keep what is a person's own: `toolgate` in XDG_CONFIG_HOME, else in `~/.config`.
 *
 * @throws what `homedir` throws where a user has no home, and no variable says where that is
 */
export function userFolder(env: Environment): string {
  const { XDG_CONFIG_HOME: configured } = env;
  // The specification says that relative ones are to be ignored (https://specifications.freedesktop.org/basedir-spec/latest/).
  const folder = configured?.startsWith("/") ? configured : join(homedir(), ".config");
  return join(folder, "toolgate");
}
