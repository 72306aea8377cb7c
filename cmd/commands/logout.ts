import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { findConnection } from "../contexts/connection.js";
import { connectionTo } from "../contexts/connection-target.js";
import { loginFile, readLogin, removeLogin } from "../contexts/login-file.js";
import { clientFlags, inSession, withClientOptions } from "./session.js";

/** `toolgate logout`: ends what `toolgate login` has begun. */
export function logoutCommand(): Command {
  return withClientOptions(
    new Command("logout").description(
      "Ends the session of `toolgate login` for the same context or nodes, and forgets it. It is forgotten also where no node can " +
        "be reached; it then ends by itself.",
    ),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate logout
  toolgate logout --context prod`,
    )
    .action(async (_flags: object, command: Command) => {
      await inSession(command, async ({ output, signal }) => {
        const place = await findConnection(clientFlags(command), environment());
        const file = loginFile(place, environment());
        const login = await readLogin(file);
        if (login === undefined) {
          if (output.json) return output.jsonData({ loggedOut: false });
          return output.note("Nobody is logged in here.");
        }
        const { nodes, options } = await connectionTo({ ...place, key: { kind: "found" } });
        const { connect } = await import("../../src/sdk/connect.js");
        let problem: ToolgateError | undefined;
        try {
          await using client = await connect(nodes, { ...options, key: login.token, signal });
          await client.access.logout({ signal });
        } catch (error) {
          // One that does not hold any more has ended already.
          if (!(error instanceof ToolgateError)) throw error;
          if (error.reason !== "UNAUTHENTICATED") problem = error;
        }
        await removeLogin(file);
        if (output.json) return output.jsonData({ loggedOut: true, user: login.user, ended: problem === undefined });
        output.text(`${login.user} is logged out.`);
        if (problem !== undefined) {
          output.note(
            `No node could end the session (${problem.reason}): it ends by itself at ${new Date(login.expiresAtMs).toISOString()}.`,
          );
        }
      });
    });
}
