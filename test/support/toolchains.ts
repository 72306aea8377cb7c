import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { access, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { environment } from "../../src/config/environment.js";

/** Programs and packages of other languages are kept here between runs; git ignores it. */
const CACHE = fileURLToPath(new URL("../../.toolgate/clients", import.meta.url));
/** The oldest Go that has `go tool`, and the oldest Python that grpcio has packages for. */
const OLDEST_GO = [1, 24] as const;
const OLDEST_PYTHON = [3, 10] as const;

/** What setting up another language's packages may take, in milliseconds: they are downloaded, and Go compiles them. */
export const SET_UP_MS = 540_000;

const run = promisify(execFile);

/**
 * Whether programs of that language can be run. Where they cannot, a line says why, and the tests of it are skipped.
 *
 * @param what the tests that need it, for that line
 */
export function hasLanguage(language: "go" | "python", what: string): boolean {
  const why = language === "go" ? missingGo() : missingPython();
  if (why !== undefined) console.warn(`Skipped: ${what}, since ${why}.`);
  return why === undefined;
}

function missingGo(): string | undefined {
  return tooOld("Go", OLDEST_GO, () => execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }));
}

function missingPython(): string | undefined {
  const code = "import ensurepip, platform, venv; print(platform.python_version())";
  return tooOld("Python with venv", OLDEST_PYTHON, () =>
    execFileSync("python3", ["-c", code], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
}

function tooOld(name: string, oldest: readonly [number, number], ask: () => string): string | undefined {
  let version: string;
  try {
    version = ask().trim();
  } catch {
    return `there is no ${name} on the PATH`;
  }
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(version)?.[0] ?? "").split(".").map(Number);
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
  return isOld ? `${name} ${version} is older than ${oldest.join(".")}` : undefined;
}

/** Installs a Go program (`module@version`), once per version; resolves to its path. */
export async function goProgram(module: string): Promise<string> {
  const bin = join(CACHE, "go", module.replace(/[^\w.]+/g, "-"));
  const program = join(bin, module.replace(/@.*/, "").split("/").at(-1) ?? "");
  if (!(await exists(program))) {
    await mkdir(bin, { recursive: true });
    await run("go", ["install", module], { env: { ...environment(), GOBIN: bin }, timeout: SET_UP_MS });
  }
  return program;
}

/**
 * A Python of its own with these packages (`name==version`), made once per set of them; resolves to the interpreter's path.
 *
 * @param name of the folder that it is kept in
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(CACHE, "python", name);
  const python = join(folder, "bin", "python");
  const stamp = join(folder, "packages.txt");
  const wanted = packages.join("\n");
  if (!(await exists(stamp)) || (await readFile(stamp, "utf8")) !== wanted) {
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder], { timeout: SET_UP_MS });
    await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], {
      timeout: SET_UP_MS,
    });
    await writeFile(stamp, wanted);
  }
  return python;
}

/**
 * The packages of a folder's `package-lock.json`, for what the tree cannot have beside its own; installed once per lock file.
 *
 * @param folder with a `package.json` and its lock file
 * @returns the path of the `node_modules`
 */
export async function npmPackages(folder: string): Promise<string> {
  const lock = await readFile(join(folder, "package-lock.json"));
  const digest = createHash("sha256").update(lock).digest("hex").slice(0, 16);
  const home = join(CACHE, "npm", `${basename(folder)}-${digest}`);
  const stamp = join(home, "installed");
  if (!(await exists(stamp))) {
    await mkdir(home, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) await copyFile(join(folder, file), join(home, file));
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], {
      cwd: home,
      timeout: SET_UP_MS,
    });
    await writeFile(stamp, "");
  }
  return join(home, "node_modules");
}

/** What tools say where a registry's host cannot be reached; a registry that answers is no reason to skip anything. */
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED|NewConnectionError|NameResolutionError|name resolution/i;

/**
 * What was installed; undefined, with a line that says why, where it was not there yet and there is no network to get it by.
 *
 * @param what the tests that need it, for that line
 * @throws where it failed otherwise
 */
export async function unlessOffline(what: string, install: () => Promise<string>): Promise<string | undefined> {
  try {
    return await install();
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string }; // of a program that has failed
    if (!UNREACHABLE.test(stderr)) throw error;
    console.warn(`Skipped: ${what}, since its packages cannot be fetched.`);
    return undefined;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
