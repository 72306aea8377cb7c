import { rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { environment } from "../../src/config/environment.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { packStaged, stagePackages } from "./packages.js";

/** `npm run package`: makes the packages that are published, in `.toolgate/packages`. */

const destination = join(PACKAGE_ROOT, ".toolgate", "packages");
const machine = thisMachine(environment().PATH ?? "");
rmSync(destination, { recursive: true, force: true });
const work = join(PACKAGE_ROOT, ".toolgate", `package-${process.pid}`);
try {
  const { sdk, server } = await stagePackages(machine, PACKAGE_ROOT, work);
  for (const staged of [sdk, server]) {
    const tarball = await packStaged(machine, staged, destination);
    console.log(`${relative(PACKAGE_ROOT, tarball)}, ${Math.round(statSync(tarball).size / 1024)} KiB`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
