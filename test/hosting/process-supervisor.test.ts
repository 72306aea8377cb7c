import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { running } from "./running.js";

expectNoLeaks();

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

test.each([
  ["that leaves at the end of its input", [process.execPath, fixture("odd-server.mjs")]],
  [
    "that ignores SIGTERM and has offspring in a group of its own",
    [process.execPath, fixture("odd-server.mjs"), "stubborn"],
  ],
  [
    "behind a shell, as npx runs it",
    ["sh", "-c", `"${process.execPath}" "${fixture("odd-server.mjs")}" stubborn; true`],
  ],
])("nothing of a server is left after kill -9 of its mount: one %s", async (_name, command) => {
  const holder = spawn(process.execPath, [fixture("holder.mjs"), ...command], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: holder.stdout }), "line");
  const pids = Object.values(JSON.parse(line) as Record<string, number>); // the holder's own line
  expect(await running(...pids)).toEqual(pids.map(() => true));
  holder.kill("SIGKILL");
  await until("all of it is gone", async () => (await running(...pids)).every((alive) => !alive));
});
