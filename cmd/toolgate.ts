#!/usr/bin/env node
import { CommanderError } from "commander";
import { environment } from "../src/config/environment.js";
import { buildProgram } from "./command-line.js";
import { EXIT_CODES } from "./output/exit-codes.js";

/** Prints a failure, and returns the exit status. */
async function reportFailure(error: unknown, args: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help")) {
    // Help or the version was shown: as it was asked for, or because nothing was.
    return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.badInput.code;
  }
  const [{ failureJson, failureOf, failureText }, { painter, showsColours }] = await Promise.all([
    import("./output/failure.js"),
    import("./output/paint.js"),
  ]);
  const failure = failureOf(error);
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const paint = painter(showsColours(process.stderr, environment()));
  process.stderr.write(`${own.includes("--json") ? failureJson(failure) : failureText(failure, paint)}\n`);
  return failure.exitCode;
}

/** The reader of our output may stop reading: no report can reach it then. Any other fault of writing is reported once. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_CODES.ok.code);
    if (stream === process.stdout) process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
    process.exit(EXIT_CODES.internal.code);
  });
}

const args = process.argv.slice(2);
try {
  const program = await buildProgram(args);
  await program.parseAsync(args, { from: "user" });
} catch (error) {
  process.exitCode = await reportFailure(error, args);
}
// What is left open must not keep a finished command from ending; what was written must arrive first.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.write("", () => resolve());
  });
}
process.exit();
