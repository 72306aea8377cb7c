import { VERSION } from "../../version.js";

/** What the server says that it is. */
export const SERVER_INFO = {
  name: "toolgate",
  title: "Toolgate",
  version: VERSION,
  description: "The tools that are registered in this registry.",
} as const;

/** What it can do, in every revision. */
export const CAPABILITIES = { tools: { listChanged: true } } as const;
