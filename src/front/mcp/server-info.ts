import { VERSION } from "../../version.js";
import { TASKS } from "./task.js";

/** What the server says that it is. */
export const SERVER_INFO = {
  name: "toolgate",
  title: "Toolgate",
  version: VERSION,
  description: "The tools that are registered in this registry.",
} as const;

/** What it can do, in the revisions before 2026-07-28: tasks were another protocol then. */
export const LEGACY_CAPABILITIES = { tools: { listChanged: true } } as const;
export const CAPABILITIES = { ...LEGACY_CAPABILITIES, extensions: { [TASKS]: {} } } as const;
