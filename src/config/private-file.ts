import { randomUUID } from "node:crypto";
import { mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ToolgateError } from "../errors/toolgate-error.js";

/** Owner alone: such files carry credentials. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Makes sure that `writePrivateFile` can write a file, before something is made that would be lost without it. Nothing is left of that but the
 * file's folder.
 *
 * @throws ToolgateError INVALID_CONFIG
 */
export async function checkPrivateFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    const target = await realpath(path).catch(() => path);
    if ((await stat(target).catch(() => undefined))?.isDirectory()) throw new Error("it is a folder");
    const probe = `${target}.${randomUUID()}`;
    await (await open(probe, "wx", FILE_MODE)).close();
    await rm(probe);
  } catch (error) {
    const why = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error); // fs gives a code
    throw new ToolgateError("INVALID_CONFIG", `${path} cannot be written: ${why}. Nothing was made.`);
  }
}

/**
 * Writes a file that its owner alone can read, in the place of what was there at once: a concurrent reader gets the one or the other,
 * and a crash leaves one of them. Its folder is made where there is none.
 *
 * @throws what the file system throws; the former file is left then
 */
export async function writePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  // Where the file is a link, as in folders that are kept elsewhere, it stays one.
  const target = await realpath(path).catch(() => path);
  const fresh = `${target}.${randomUUID()}`;
  try {
    const handle = await open(fresh, "wx", FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
