import { randomUUID } from "node:crypto";
import { mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Owner alone: such files carry credentials. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Writes a file that its owner alone can read, in the place of what was there at once: a concurrent reader gets the one or the other,
 * and a crash leaves one of them. Its folder is made where there is none.
 *
 * @throws what the file system throws; the former file is left then
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
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
