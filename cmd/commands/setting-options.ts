import type { Command } from "commander";
import type { Setting } from "../../src/config/settings.js";

/** Adds an option for each setting, whose help names its variable and its default. */
export function withSettings(command: Command, settings: readonly Setting[]): Command {
  for (const { flag, placeholder, description, variable, default: fallback } of settings) {
    const otherwise = fallback === "" ? variable : `${variable}, else ${fallback}`;
    command.option(`${flag} <${placeholder}>`, `${description} [${otherwise}]`);
  }
  return command;
}
