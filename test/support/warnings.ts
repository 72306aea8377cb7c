import { once } from "node:events";

/** What Node warns of while something runs, such as a leak of listeners. */
export async function warningsDuring(run: () => Promise<void>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const listener = (warning: Error): void => void warnings.push(String(warning));
  process.on("warning", listener);
  try {
    await run();
    // Warnings are emitted in order.
    const told = once(process, "warning");
    process.emitWarning("that is all");
    await told;
    return warnings.slice(0, -1);
  } finally {
    process.off("warning", listener);
  }
}
