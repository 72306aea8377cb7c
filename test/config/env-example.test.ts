import { join } from "node:path";
import { expect, test } from "vitest";
import { CLIENT_SECRETS, CLIENT_SETTINGS } from "../../src/config/client-schema.js";
import { SETTINGS } from "../../src/config/config.js";
import type { Setting } from "../../src/config/settings.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

const HEADER = `# Settings of Toolgate, with their defaults. Copy this to .env and uncomment what you change.
# docker compose reads .env by itself; a shell does with: set -a; . ./.env; set +a
`;

const entry = ({ variable, description, default: fallback }: Setting): string =>
  `# ${description}\n#${variable}=${fallback}\n`;

test(".env.example lists every setting with its default", async () => {
  const text = [
    HEADER,
    "# --- Nodes: toolgate serve, toolgate dev, npm start\n",
    ...SETTINGS.map(entry),
    "# --- Clients: every other command, and the providers of npm start\n",
    ...[...CLIENT_SETTINGS, ...CLIENT_SECRETS].map(entry),
  ].join("\n");
  // `vitest run test/config/env-example.test.ts --update` writes it anew.
  await expect(text).toMatchFileSnapshot(join(PACKAGE_ROOT, ".env.example"));
});
