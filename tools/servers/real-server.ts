/** A published MCP server, what it needs to run here, and calls by which its answers are compared. */
export interface RealServer {
  /** The toolset's name. */
  readonly name: string;
  readonly from: "npm" | "pypi";
  /** The package's name in its registry. */
  readonly package: string;
  readonly version: string;
  /** Requirements beside the package (pip's syntax), where its own no longer resolve to what it was written for. */
  readonly also?: readonly string[];
  /** The program within the package's installation. */
  readonly program: string;
  /** Its arguments; `{folder}` stands for the folder that it works in. */
  readonly args?: readonly string[];
  /** Variables beside HOME, which is that folder; `{folder}` as above. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it needs beyond its package to start and list its tools, for people: a dummy key, an argument. */
  readonly needs: string;
  /** Tools that a mount cannot serve yet, as its documentation says: those that can only be called as an MCP task. */
  readonly leftOut?: readonly string[];
  /** Files in the folder that it works in, made anew before each run. */
  readonly files?: Readonly<Record<string, string>>;
  /** Calls in order; a later one may rely on what an earlier one did. */
  readonly calls?: readonly ServerCall[];
}

/** One call, made to the server directly and through a gateway. */
export interface ServerCall {
  readonly tool: string;
  /** The arguments, as JSON text: the very bytes that are sent. `{folder}` and `{repository}` (this one) stand for paths. */
  readonly args: string;
  /** Parts of the answer that differ from run to run, such as times and process ids; they are not compared. */
  readonly varies?: readonly RegExp[];
  /** The gateway refuses it by the tool's own schema, where the server answers with an error of its own. */
  readonly refused?: boolean;
}
