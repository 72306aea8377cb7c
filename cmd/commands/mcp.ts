import { Command } from "commander";
import { UsageError } from "../output/failure.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface McpFlags {
  readonly http?: string;
  readonly toolset?: string;
  readonly meta?: boolean;
}

/** `toolgate mcp`: the registry's tools for a client of MCP that starts its servers. */
export function mcpCommand(): Command {
  return withClientOptions(
    new Command("mcp")
      .description(
        "Serves the registry's tools to a client of the Model Context Protocol on stdin and stdout, until the client closes them. It asks a node by " +
          "HTTP, with the credential that all commands use, so that the client needs none.",
      )
      .option(
        "--http <host:port>",
        "Where the node listens for HTTP; https://host:port where it speaks TLS [TOOLGATE_HTTP_LISTEN, else 127.0.0.1:7480].",
      )
      .option("--toolset <name>", "Only the tools of this toolset, by their own names.")
      .option("--meta", "Five tools that find, describe and call the others, in place of all."),
  )
    .addHelpText(
      "after",
      `
A client's configuration:
  {"mcpServers": {"toolgate": {"command": "npx", "args": ["toolgate", "mcp"]}}}

Examples:
  toolgate mcp
  toolgate mcp --toolset files
  toolgate mcp --meta --http https://tools.example:7480`,
    )
    .action(async ({ http, toolset, meta = false }: McpFlags, command: Command) => {
      if (toolset !== undefined && meta)
        throw new UsageError("--toolset and --meta do not go together.", "Name one of them.");
      await inSession(command, async ({ signal }) => {
        const { serveStdio } = await import("../mcp/serve-stdio.js");
        const path = meta ? "/mcp/meta" : toolset === undefined ? "/mcp" : `/mcp/t/${encodeURIComponent(toolset)}`;
        await serveStdio(await readClientConfig(command), http, path, signal);
      });
    });
}
