import { CLIENT_SECRETS, CLIENT_SETTINGS } from "../../src/config/client-schema.js";
import { SETTINGS } from "../../src/config/config.js";
import type { Setting } from "../../src/config/settings.js";

/** The settings of nodes and clients as two Markdown tables, for docs/settings.md. */
export function renderConfigTable(): string {
  return [
    "Of a node (`toolgate serve`):",
    "",
    ...rows(SETTINGS),
    "",
    "Of a client (the other commands):",
    "",
    ...rows(CLIENT_SETTINGS),
    ...CLIENT_SECRETS.map(({ variable, description }) => `| \`${variable}\` | | | | ${description} |`),
  ].join("\n");
}

function rows(settings: readonly Setting[]): string[] {
  return [
    "| Variable | Flag | Default | Bounds | Meaning |",
    "|---|---|---|---|---|",
    ...settings.map(
      ({ variable, flag, placeholder, default: fallback, bounds, description }) =>
        `| \`${variable}\` | \`${flag} <${placeholder}>\` | ${fallback === "" ? "" : `\`${fallback}\``} | ${bounds} | ${description} |`,
    ),
  ];
}
