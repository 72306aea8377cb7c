import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Program } from "../../src/local-cluster/program.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

test("lines of a program's output end at line feeds, and nowhere else", async () => {
  const root = mkdtempSync(join(tmpdir(), "toolgate-program-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "dist"));
  const long = '"x".repeat(2_000_000)';
  const entry = `process.stdout.write("a\\u2028b\\rc\\u2029d\\u0085e\\n\\nf\\n" + ${long} + "\\nwithout an end");`;
  writeFileSync(join(root, "dist", "says.js"), entry);
  const lines: string[] = [];
  const program = new Program({ name: "it", entry: "says.js", root, onLine: (line) => lines.push(line) });
  program.start();
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(lines).toEqual([
    "a\u2028b\rc\u2029d\u0085e",
    "f",
    expect.stringMatching(/^x{512}… \(2000000 bytes\)$/),
    "without an end",
  ]);
});
