import { Argument, Command } from "commander";
import { SCRIPTS, SHELLS, type Shell } from "../completion/scripts.js";

/** `toolgate completion`: the script that lets a shell complete commands, options, names of toolsets and tools, and more. */
export function completionCommand(): Command {
  return new Command("completion")
    .description(
      "Writes a script that lets a shell complete commands, options, contexts, and the names of toolsets, tools, payload keys " +
        "and calls, which are asked of the cluster with a short time limit.",
    )
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText(
      "after",
      `
Examples:
  source <(toolgate completion bash)      # in ~/.bashrc
  source <(toolgate completion zsh)       # in ~/.zshrc, after compinit
  toolgate completion fish > ~/.config/fish/completions/toolgate.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell]);
    });
}
