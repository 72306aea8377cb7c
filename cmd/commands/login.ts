import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { refuseExposure } from "../../src/sdk/key-source.js";
import { findConnection } from "../contexts/connection.js";
import { connectionTo } from "../contexts/connection-target.js";
import { loginFile, writeLogin } from "../contexts/login-file.js";
import { askLine, askSecret } from "./ask-secret.js";
import { clientFlags, inSession, withClientOptions } from "./session.js";

interface LoginFlags {
  readonly user?: string;
  readonly tenant?: string;
}

/** `toolgate login`: a session for a person. */
export function loginCommand(): Command {
  return withClientOptions(
    new Command("login")
      .description(
        "Opens a session for a person, by name and password, and uses it for the same context or nodes until it ends or " +
          "`toolgate logout` ends it. The password is typed without being shown, or is the first line of what is piped in. " +
          "The session is kept in toolgate/logins/ of XDG_CONFIG_HOME or ~/.config, which its owner alone can read.",
      )
      .option("--user <name>", "The person; asked for when absent.")
      .option("--tenant <name>", "The person's tenant; the default one when absent."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate login --user ann
  toolgate login --user ann --tenant acme --context prod
  toolgate login --user ann < password.txt`,
    )
    .action(async ({ user: named, tenant }: LoginFlags, command: Command) => {
      await inSession(command, async ({ output, signal }) => {
        const place = await findConnection(clientFlags(command), environment());
        // A login proves itself by its password alone: what else there is to send may be what no longer holds.
        const { nodes, options } = await connectionTo({ ...place, key: { kind: "found" } });
        refuseExposure(nodes, options, "The password");
        const user = named ?? (await askLine("User", "Pass --user.", signal));
        const password = await askSecret("Password", signal);
        const { connect } = await import("../../src/sdk/connect.js");
        const client = await output.withProgress(`Connecting to ${nodes.join(", ")}`, () =>
          connect(nodes, { ...options, key: null, signal }),
        );
        try {
          const { token, expiresAt } = await output.withProgress("Logging in", () =>
            client.access.login({ user, password, signal, ...(tenant === undefined ? {} : { tenant }) }),
          );
          const who = `${tenant ?? "default"}/${user}`;
          await writeLogin(loginFile(place, environment()), { token, expiresAtMs: expiresAt.getTime(), user: who });
          if (output.json) return output.jsonData({ user: who, expiresAt });
          output.text(`${who} is logged in until ${expiresAt.toISOString()}.`);
        } finally {
          await client.close();
        }
      });
    });
}
