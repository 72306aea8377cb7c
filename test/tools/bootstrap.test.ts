import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

/**
 * A project of its own, with the real bootstrap, a compiler that copies, and an npm that puts dependencies in place
 * without a network. What the two are asked to do is in `asked`.
 */
let project = "";

const COMPILER = `
  const { appendFileSync, cpSync, readFileSync, mkdirSync } = require("node:fs");
  const out = process.argv[process.argv.indexOf("--outDir") + 1];
  appendFileSync("asked", "tsc\\n");
  mkdirSync(out, { recursive: true });
  cpSync("src", out + "/src", { recursive: true });
  if (readFileSync("src/job.ts", "utf8").includes("type error")) { console.log("src/job.ts(1,1): error TS1: no"); process.exit(2); }
  mkdirSync(out + "/tools", { recursive: true });
  cpSync("src/job.ts", out + "/tools/start.js");
`;

const NPM = `
  const { appendFileSync, cpSync, existsSync } = require("node:fs");
  appendFileSync("asked", "npm " + process.argv.slice(2).join(" ") + "\\n");
  if (existsSync("offline")) { console.error("npm error network"); process.exit(1); }
  cpSync("registry", "node_modules", { recursive: true });
  cpSync("package-lock.json", "node_modules/.package-lock.json");
`;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "toolgate-bootstrap-"));
  await mkdir(join(project, "cmd"));
  await mkdir(join(project, "tools"));
  await cp(join(PACKAGE_ROOT, "tools", "bootstrap.mjs"), join(project, "tools", "bootstrap.mjs"));
  await mkdir(join(project, "src"));
  await mkdir(join(project, "registry", "typescript", "bin"), { recursive: true });
  await write("registry/typescript/package.json", "{}");
  await write("registry/typescript/bin/tsc", COMPILER);
  await write("npm.cjs", NPM);
  await write("package.json", JSON.stringify({ name: "fixture", type: "module" }));
  await write("tsconfig.json", "{}");
  await write("tsconfig.build.json", "{}");
  await lock("1.0.0");
  await write("src/job.ts", 'console.log("job", ...process.argv.slice(2)); process.exitCode = 3;');
});
afterEach(() => rm(project, { recursive: true, force: true }));

const write = (path: string, text: string): Promise<void> => writeFile(join(project, path), text);

const lock = (version: string): Promise<void> =>
  write("package-lock.json", JSON.stringify({ packages: { "": {}, "node_modules/typescript": { version } } }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What npm and the compiler were asked this time. */
  readonly asked: readonly string[];
}

async function bootstrap(...args: string[]): Promise<Outcome> {
  await write("asked", "");
  const env = { ...environment(), npm_execpath: join(project, "npm.cjs") };
  const outcome = await new Promise<Omit<Outcome, "asked">>((resolve) => {
    execFile(process.execPath, [join(project, "tools", "bootstrap.mjs"), ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
  const asked = (await readFile(join(project, "asked"), "utf8")).split("\n").filter((line) => line !== "");
  return { ...outcome, asked };
}

const INSTALL = "npm ci --include=dev --loglevel=error";

test("a fresh clone is installed and built, then the job runs with its arguments and its status", async () => {
  const first = await bootstrap("start", "--once", "x");
  expect(first).toMatchObject({ status: 3, stdout: "job --once x\n", asked: [INSTALL, "tsc"] });
  expect(first.stderr).toContain("Installing dependencies: there are none yet");
});

test("nothing is done again while nothing has changed", async () => {
  await bootstrap("build");
  expect(await bootstrap("start")).toMatchObject({ status: 3, stderr: "", asked: [] });
});

test("a changed, an added and a removed source each make a new build, without remains of the old one", async () => {
  await bootstrap("build");
  await write("src/job.ts", 'console.log("changed");');
  expect(await bootstrap("start")).toMatchObject({ stdout: "changed\n", asked: ["tsc"] });
  await write("src/more.ts", "");
  expect((await bootstrap("build")).asked).toEqual(["tsc"]);
  expect(await readdir(join(project, "dist", "src"))).toEqual(["job.ts", "more.ts"]);
  await rm(join(project, "src", "more.ts"));
  expect((await bootstrap("build")).asked).toEqual(["tsc"]);
  expect(await readdir(join(project, "dist", "src"))).toEqual(["job.ts"]);
  expect((await readdir(project)).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
});

test("dependencies that differ from the lock file, or are gone, are installed again", async () => {
  await bootstrap("build");
  await lock("1.0.1");
  const updated = await bootstrap("build");
  expect(updated.asked[0]).toBe(INSTALL);
  expect(updated.stderr).toContain("typescript differs from the lock file");
  await rm(join(project, "node_modules", "typescript"), { recursive: true });
  expect((await bootstrap("build")).asked[0]).toBe(INSTALL);
});

test("a failing installation says so, with npm's own words, and ends with 1", async () => {
  await write("offline", "");
  const { status, stderr } = await bootstrap("start");
  expect(status).toBe(1);
  expect(stderr).toContain("npm error network");
  expect(stderr).toContain("npm ci failed, see above: check the network");
});

test("a build with type errors fails and leaves the last one in place; the test runner takes it as it is", async () => {
  await bootstrap("build");
  await write("src/job.ts", "// type error");
  const failed = await bootstrap("start");
  expect(failed).toMatchObject({ status: 1, stdout: "" });
  expect(failed.stderr).toContain("error TS1");
  expect(await readFile(join(project, "dist", "src", "job.ts"), "utf8")).toContain('"job"');
  const tolerated = await bootstrap("refresh");
  expect(tolerated).toMatchObject({ status: 0, asked: ["tsc"] });
  expect(tolerated.stderr).toContain("in spite of 1 type errors");
  expect((await bootstrap("build")).status).toBe(1);
});

test("an unknown job is a usage error", async () => {
  expect(await bootstrap("stop")).toMatchObject({ status: 2, asked: [] });
});
