import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** The largest file that may hold a key, in bytes: a JWT with many claims has a few thousand. */
const MAX_FILE_BYTES = 16_384;
/** What may stand in a header's value: a key, a session token or a JWT is printable ASCII without spaces. */
const CREDENTIAL = /^[\x21-\x7e]{1,16384}$/;
/** Permissions of others than the owner. */
const OTHERS = 0o077;

/** Whether a text may be sent as a credential. */
export function isCredential(text: string): boolean {
  return CREDENTIAL.test(text);
}

/** What a file that may hold a credential holds: one, nothing since there is no file, or a fault, as the rest of a sentence. */
export type KeyFile =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "absent" }
  | { readonly kind: "fault"; readonly fault: string };

/**
 * Reads a credential from a file. What the file holds is in none of the faults.
 *
 * @param own the file must be this user's, and no other user may have any right to it: one that a program has made and finds by
 *   itself, so that nobody else can have put it there or can read it. Secrets that are mounted into containers have other
 *   owners and permissions, and are named by whoever mounts them.
 */
export async function readKeyFile(path: string, { own }: { readonly own: boolean }): Promise<KeyFile> {
  let handle: FileHandle;
  try {
    // A pipe in the place of the file is opened without waiting for a writer, and then refused.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (own ? constants.O_NOFOLLOW : 0));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what the file system throws
    return code === "ENOENT" || code === "ENOTDIR" ? { kind: "absent" } : { kind: "fault", fault: message };
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return { kind: "fault", fault: "it is no file" };
    const user = process.getuid?.(); // Windows has neither users by number nor these permissions
    if (own && user !== undefined) {
      if (stat.uid !== user) return { kind: "fault", fault: "it belongs to another user" };
      if ((stat.mode & OTHERS) !== 0) {
        return { kind: "fault", fault: "other users have rights to it; chmod 600 takes them away" };
      }
    }
    if (stat.size > MAX_FILE_BYTES) return { kind: "fault", fault: `it has more than ${MAX_FILE_BYTES} bytes` };
    const key = (await handle.readFile("latin1")).trim();
    if (!isCredential(key)) return { kind: "fault", fault: "it holds no key: one line of printable characters" };
    return { kind: "key", key };
  } catch (error) {
    return { kind: "fault", fault: error instanceof Error ? error.message : String(error) };
  } finally {
    await handle.close();
  }
}
