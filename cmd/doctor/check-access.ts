import { environment } from "../../src/config/environment.js";
import { type Caller, type ConnectOptions, connect, ToolgateError } from "../../src/index.js";
import { findKeySource } from "../../src/sdk/key-source.js";
import { type Check, fail, ok, warn } from "./check.js";

/** What the registry takes the caller for, and whether it answers what is asked next. */
export interface AccessFinding {
  readonly checks: readonly Check[];
  /** Everything else that is asked would be refused like this. */
  readonly isRefused: boolean;
}

/** What one question found. */
export type AccessAnswer =
  | { readonly kind: "known"; readonly caller: Pick<Caller, "tenant" | "id" | "kind"> }
  | { readonly kind: "refused"; readonly isKeySent: boolean; readonly message: string }
  /** No node answers, or they are of a version that asks for no credential. */
  | { readonly kind: "untold" };

/** Asks one of the nodes who the caller is: without a credential, little can be looked at. */
export async function checkAccess(nodes: readonly string[], options: ConnectOptions): Promise<AccessFinding> {
  const answer = await ask(nodes, options);
  options.signal?.throwIfAborted();
  return evaluateAccess(answer);
}

async function ask(nodes: readonly string[], options: ConnectOptions): Promise<AccessAnswer> {
  try {
    const client = await connect(nodes, options);
    try {
      const caller = await client.access.whoAmI(options.signal === undefined ? {} : { signal: options.signal });
      return { kind: "known", caller };
    } finally {
      await client.close();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof ToolgateError)) throw error;
    if (error.reason !== "UNAUTHENTICATED") return { kind: "untold" };
    return { kind: "refused", isKeySent: await isKeySent(nodes, options), message: error.message };
  }
}

async function isKeySent(nodes: readonly string[], options: ConnectOptions): Promise<boolean> {
  const source = await findKeySource({ ...options, addresses: nodes, env: environment(), onUnusable: () => {} });
  for (const address of nodes) if ((await source.read(address)) !== undefined) return true;
  return false;
}

/** A registry that refuses requests without a credential is well; one that refuses the credential that was sent is not what its user expects. */
export function evaluateAccess(answer: AccessAnswer): AccessFinding {
  const name = "access";
  switch (answer.kind) {
    case "known": {
      const { tenant, id, kind } = answer.caller;
      const finding =
        kind === "anonymous" ? "open: nobody has to prove who they are" : `as ${tenant}/${id}, by ${kind}`;
      return { checks: [ok(name, finding)], isRefused: false };
    }
    case "refused": {
      const check = answer.isKeySent
        ? fail(name, answer.message, "Give a credential that holds: --key-file, TOOLGATE_KEY_FILE or TOOLGATE_KEY.")
        : warn(
            name,
            "the registry asks for a credential, and none was given: its settings and toolsets were not looked at",
            "To look at them too, give one: --key-file, TOOLGATE_KEY_FILE or TOOLGATE_KEY. `toolgate access key create` makes it.",
          );
      return { checks: [check], isRefused: true };
    }
    case "untold":
      return { checks: [], isRefused: false };
    default:
      return answer satisfies never;
  }
}
