// What `npm start` and `npm test` run, `npm run` of bench, chaos, lint:lua, package, release:record, servers, schemas, dashboards and build:
// plain JavaScript without a dependency, so that it works on a fresh clone with nothing but Node and npm. It installs the
// dependencies if they are missing or out of step with the lock file, builds if the build is missing or older than the
// sources, then does the job.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { env } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];
const STAMP = join(ROOT, "dist", ".built-from");

const [job, ...args] = process.argv.slice(2);
requireNode();
switch (job) {
  case "start":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "start.js"));
    break;
  case "chaos":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "chaos", "chaos.js"));
    break;
  case "record-release":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "chaos", "upgrade", "record-release.js"));
    break;
  case "bench":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "bench", "main.js"));
    break;
  case "servers":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "servers", "main.js"));
    break;
  case "dashboards":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "dashboards", "main.js"));
    break;
  case "lint-lua":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "lint-lua", "main.js"));
    break;
  case "schemas":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "schemas", "main.js"));
    break;
  case "package":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    await runHere(join(ROOT, "dist", "tools", "package", "main.js"));
    break;
  case "pack":
    fail("The packages are two: npm run package makes both, in .toolgate/packages.", 1);
    break;
  case "test":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    runAsChild([join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", ...args.flatMap(vitestArguments)]);
    break;
  case "install":
    await installIfNeeded();
    break;
  case "build":
    await installIfNeeded();
    await buildIfStale({ tolerateTypeErrors: false });
    break;
  case "refresh":
    // For the test runner, which runs from node_modules, so nothing is installed; and types are the type check's business.
    await buildIfStale({ tolerateTypeErrors: true });
    break;
  default:
    fail(
      `"${job ?? ""}" is no job: use start, test, bench, chaos, lint-lua, package, record-release, servers, schemas, dashboards, build, install or refresh.`,
      2,
    );
}

/** `--quick` is our own: the tests of the inner loop. */
function vitestArguments(argument) {
  return argument === "--quick" ? ["--config", join(ROOT, "vitest.quick.config.ts")] : [argument];
}

/** Ends with one clear message on a Node that is too old. */
function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  fail(
    `Toolgate needs Node ${OLDEST_NODE.join(".")} or newer, and this is ${process.versions.node}: install a newer Node.`,
    1,
  );
}

/** Installs what the lock file names, if node_modules differs from it. */
async function installIfNeeded() {
  const reason = whyInstall();
  if (reason === undefined) return;
  // The npm that runs us, if one does; else the one on the PATH.
  const { npm_execpath: ownNpm } = env;
  const npm = ownNpm ? [process.execPath, ownNpm] : ["npm"];
  await step(`Installing dependencies: ${reason}`, [...npm, "ci", "--include=dev", "--loglevel=error"], (output) => {
    process.stderr.write(output);
    fail("npm ci failed, see above: check the network and the npm registry, then run the command again.", 1);
  });
}

/** Why the dependencies must be installed; undefined when they need not. */
function whyInstall() {
  const wanted = readJson(join(ROOT, "package-lock.json"))?.packages;
  if (wanted === undefined) fail("package-lock.json is missing or damaged: restore it from the repository.", 1);
  if (!existsSync(join(ROOT, "node_modules"))) return "there are none yet";
  // npm's own record of what it put there.
  const present = readJson(join(ROOT, "node_modules", ".package-lock.json"))?.packages ?? {};
  for (const [path, entry] of Object.entries(wanted)) {
    // The package itself is no dependency; optional ones are those of other platforms.
    if (path === "" || entry.optional || entry.devOptional || entry.link) continue;
    if (present[path]?.version !== entry.version)
      return `${path.replace(/^.*node_modules\//, "")} differs from the lock file`;
    if (!existsSync(join(ROOT, path))) return `${path} is gone`;
  }
  return undefined;
}

/** Builds into a folder of its own, which then takes the place of `dist`: half a build is never seen. */
async function buildIfStale({ tolerateTypeErrors }) {
  const hash = hashSources();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === hash) return;
  removeAbandoned();
  const next = join(ROOT, `dist.next-${process.pid}`);
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  let sound = true;
  await step("Building", [process.execPath, tsc, "-p", "tsconfig.build.json", "--outDir", next], (output) => {
    sound = false;
    if (tolerateTypeErrors && existsSync(next)) {
      console.error(
        `Built in spite of ${output.match(/error TS\d+/g)?.length ?? 0} type errors; npm run typecheck shows them.`,
      );
      return;
    }
    process.stderr.write(output);
    rmSync(next, { recursive: true, force: true });
    fail("The build failed, see above.", 1);
  });
  for (const file of filesBelow("src", /\.lua$/)) copyFileSync(join(ROOT, file), join(next, file));
  const program = join(next, "cmd", "toolgate.js");
  if (existsSync(program)) chmodSync(program, 0o755);
  // Without the stamp the next one builds again, and sees the errors again.
  if (sound) writeFileSync(join(next, ".built-from"), hash);
  swapIn(next);
}

/** One digest of everything that the build depends on: the sources, their settings and the compiler. */
function hashSources() {
  const files = [
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
    ...filesBelow("src", /\.(?:[cm]?ts|lua)$/),
    ...filesBelow("cmd", /\.[cm]?ts$/),
    ...filesBelow("tools", /\.[cm]?ts$/),
  ];
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file.split(sep).join("/")}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesBelow(folder, name) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

/** Puts a finished build in the place of `dist`. Two builders at once both succeed; the last one stays. */
function swapIn(next) {
  const dist = join(ROOT, "dist");
  const old = join(ROOT, `dist.old-${process.pid}`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (existsSync(dist)) renameSync(dist, old);
      renameSync(next, dist);
      break;
    } catch (error) {
      // Another builder was between its own two renames.
      if (attempt === 5) throw error;
    }
    rmSync(old, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

/** Removes the folders of builders that died. */
function removeAbandoned() {
  for (const name of readdirSync(ROOT)) {
    const pid = /^dist\.(?:next|old)-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(ROOT, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Runs a command of the set-up with a line of progress; its output is for `onFailure`. */
async function step(text, command, onFailure) {
  const start = Date.now();
  const seconds = () => `${((Date.now() - start) / 1000).toFixed(0)} s`;
  const { isTTY } = process.stderr;
  process.stderr.write(isTTY ? `${text} …` : `${text} …\n`);
  const ticking = isTTY ? setInterval(() => process.stderr.write(`\r${text} … ${seconds()}`), 1000) : undefined;
  const { status, output } = await run(command);
  clearInterval(ticking);
  if (isTTY) process.stderr.write(`\r\u001b[K`);
  if (status !== 0) onFailure(output);
}

function run([command, ...rest]) {
  return new Promise((resolve) => {
    const child = spawn(command, rest, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    const stop = (signal) => {
      child.kill(signal);
      child.once("close", () => process.exit(signal === "SIGINT" ? 130 : 143));
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    let output = "";
    const hear = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", (error) => resolve({ status: 127, output: `${command}: ${error.message}\n` }));
    child.once("close", (status) => {
      process.removeListener("SIGINT", stop);
      process.removeListener("SIGTERM", stop);
      resolve({ status: status ?? 1, output });
    });
  });
}

/** Runs a program in this very process: signals and the exit status need no passing on, and nothing can be left behind. */
async function runHere(program) {
  process.argv.splice(1, 2, program);
  await import(pathToFileURL(program).href);
}

/** Runs a Node program as a child that ends when we do, and ends with its status. */
function runAsChild(command) {
  const preload = pathToFileURL(join(ROOT, "dist", "src", "local-cluster", "stop-with-parent.js")).href;
  const child = spawn(process.execPath, ["--import", preload, ...command], {
    cwd: ROOT,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // A terminal sends Ctrl-C to the child by itself; we only outlive it. Elsewhere it is passed on.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGHUP"));
  // When npm runs us and is gone, the outcome has no reader.
  const parent = process.ppid;
  const { npm_lifecycle_event: script } = env;
  if (script) setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 1_000).unref();
  child.once("error", (error) => fail(error.message, 1));
  child.once("close", (status, signal) => {
    process.exitCode = status ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0);
    process.exit();
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function fail(message, status) {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}
