// `npm run lint:imports`: which rooms of the source may know which. The rooms stand in one order, from top to bottom, and a file
// imports from its own room and from those below it, types included; so no two rooms can know each other. What each room is for
// is in docs/architecture.md. Biome looks for the imports, by a configuration that is made of the order.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";

/** From top to bottom. Those of one line are a level, and stand in the order in which they may know each other. */
const LEVELS = [
  ["test"],
  ["tools"],
  ["cmd"],
  ["src/testing", "src/local-cluster"],
  ["src/node.ts"],
  ["src/front"],
  ["src/flows", "src/hosting", "src/upkeep", "src/gateway", "src/providers"],
  ["src/access", "src/limits", "src/webhooks", "src/search", "src/catalog", "src/schemas", "src/documents"],
  ["src/store"],
  ["src/redis"],
  ["src/index.ts", "src/sdk"],
  ["src/contract", "src/frames", "src/protocol"],
  ["src/observe", "src/config", "src/json", "src/identity", "src/errors", "src/async", "src/egress", "src/version.ts"],
];
const ROOMS = LEVELS.flat();
/** What agents and providers import; no part of a node does, but what is such a client itself. */
const CLIENTS = ["src/index.ts", "src/sdk"];
const MAY_BE_CLIENTS = ["test", "tools", "cmd", "src/testing", "src/local-cluster", "src/hosting", ...CLIENTS];

const root = realpathSync(process.argv[2] ?? join(import.meta.dirname, ".."));
// Folders that git has left empty do not count.
const homeless = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).slice(0, 2).join("/"))
  .filter((room, index, all) => !ROOMS.includes(room) && all.indexOf(room) === index);
if (homeless.length > 0) {
  console.error(`In no room of tools/lint-imports.mjs: ${homeless.join(", ")}`);
  process.exit(1);
}

/** What imports of a room look like from files of other ones: relative, as all are. */
const importsOf = (room) => {
  const path = room.replace(/^src\//, "").replace(/\.ts$/, ".js");
  return ["../", "../../", "../../../", "../../../../"].map((up) => up + path + (room.endsWith(".ts") ? "" : "/**"));
};
const overrides = ROOMS.map((room, index) => {
  const above = ROOMS.slice(0, index);
  const forbidden = MAY_BE_CLIENTS.includes(room) ? above : [...new Set([...above, ...CLIENTS])];
  const group = forbidden.filter((other) => other !== room).flatMap(importsOf);
  const message = `${room} knows itself and what stands below it in tools/lint-imports.mjs.`;
  return {
    includes: [`${root}/${room}${room.endsWith(".ts") ? "" : "/**"}`],
    linter: {
      rules: { style: { noRestrictedImports: { level: "error", options: { patterns: [{ group, message }] } } } },
    },
  };
});
const configuration = {
  root: true,
  files: { includes: ["**", `!${root}/src/protocol/generated`] },
  formatter: { enabled: false },
  assist: { enabled: false },
  linter: { rules: { preset: "none" } },
  overrides: overrides.filter(
    ({ linter }) => linter.rules.style.noRestrictedImports.options.patterns[0].group.length > 0,
  ),
};

// Not within the tree, which has its own configuration.
const folder = mkdtempSync(join(tmpdir(), "toolgate-imports-"));
writeFileSync(join(folder, "biome.json"), JSON.stringify(configuration, undefined, 2));
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
const folders = ["src", "cmd", "tools", "test"].filter((name) => existsSync(join(root, name)));
const { status } = spawnSync(
  process.execPath,
  [biome, "lint", `--config-path=${folder}`, "--max-diagnostics=none", "--diagnostic-level=error", ...folders],
  { cwd: root, stdio: "inherit" },
);
rmSync(folder, { recursive: true });
process.exit(status ?? 1);
