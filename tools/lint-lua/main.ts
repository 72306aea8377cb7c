// `npm run lint:lua`: reads every script as Redis gets it, with the Lua that scripts share.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { DEFINED_SCRIPTS } from "../../src/redis/script.js";
import { lintScripts } from "./lint-scripts.js";

const built = join(PACKAGE_ROOT, "dist", "src");
for (const room of ["redis", "store"]) {
  for (const file of readdirSync(join(built, room), { recursive: true, encoding: "utf8" })) {
    const path = join(built, room, file);
    if (path.endsWith(".js") && /\bdefine\w*Script\(/.test(readFileSync(path, "utf8")))
      await import(pathToFileURL(path).href);
  }
}
const findings = lintScripts([...DEFINED_SCRIPTS.values()]);
for (const finding of findings) console.error(finding);
console.log(`${DEFINED_SCRIPTS.size} scripts, ${findings.length === 0 ? "no" : findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
