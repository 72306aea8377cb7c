import { serveCommands } from "../commands.js";
import { type AttackSettings, attack } from "../hostile/attack.js";
import { yieldToOthers } from "./yield-to-others.js";

/** The process that attacks a node. It yields to others: attackers have machines of their own elsewhere. */

yieldToOthers();
const address = await serveCommands((command) => attack(command as AttackSettings)); // the benchmark sends nothing else
console.log(JSON.stringify({ event: "listening", address }));
setInterval(() => {}, 2 ** 30); // commands may come at any time
