import type { ToolsetView } from "../../catalog/toolset-view.js";
import type { ToolContract } from "../../contract/contract.js";
import type { NamedTool } from "./tool-names.js";

/** Some of the tools that a caller may see, under the names that they have at one address. */
export interface NamedTools {
  /** Tells lists of different addresses apart. */
  readonly id: string;
  /** Their toolsets, after one, in the order of their identities. */
  toolsetsAfter(name: string): Iterable<ToolsetView>;
  nameOf(view: ToolsetView, tool: ToolContract): string;
  /** @returns nothing where there is no such tool for the caller */
  find(name: string): Promise<NamedTool | undefined> | NamedTool | undefined;
}
