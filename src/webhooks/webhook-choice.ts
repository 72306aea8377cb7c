import { compileCallMatch, type MatchedCall } from "../documents/call-match.js";
import type { DocumentsReader } from "../documents/document.js";
import { type CallerName, fromWord, tenantOfCaller } from "../identity/caller-name.js";
import { invalidField, type ToolName, type ToolsetName } from "../identity/names.js";
import { plainName, tenantOf } from "../identity/toolset-name.js";
import { WEBHOOK } from "./webhook.js";

/** The most webhooks that one call has; those that come first by name. The one that it asks for is among them. */
const MAX_WEBHOOKS = 8;
/** The most callers and tools whose webhooks are remembered. */
const MAX_REMEMBERED = 10_000;

interface Subscriber {
  /** `tenant/name`. */
  readonly path: string;
  fits(call: MatchedCall): boolean;
}

/** Which webhooks are told how a call ends, by the documents of now. Costs nothing while there is no such document. */
export class WebhookChoice {
  readonly #documents: Pick<DocumentsReader, "all" | "get" | "onChange">;
  readonly #catchUp: () => Promise<void>;
  #subscribers: readonly Subscriber[] = [];
  readonly #remembered = new Map<string, readonly string[]>();
  #stopFollowing: (() => void) | undefined;

  /** @param catchUp reads what other nodes have changed just now */
  constructor(documents: Pick<DocumentsReader, "all" | "get" | "onChange">, catchUp: () => Promise<void>) {
    this.#documents = documents;
    this.#catchUp = catchUp;
  }

  /** Follows the documents from now on. */
  start(): void {
    this.#stopFollowing ??= this.#documents.onChange((changed) => {
      if (changed.some(({ kind }) => kind === WEBHOOK.kind)) this.#compile();
    });
    this.#compile();
  }

  stop(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
  }

  /**
   * The webhooks of a call, as `tenant/name` with commas between them; undefined where there are none.
   *
   * @param asked the one that its caller names, of its own tenant
   * @returns a promise only where that may have been made just now, by another node
   * @throws ToolgateError INVALID_REQUEST where there is none of the name
   */
  of(
    caller: CallerName,
    toolset: ToolsetName,
    tool: ToolName,
    asked: string | undefined,
  ): string | undefined | Promise<string> {
    const subscribed = this.#subscribers.length === 0 ? [] : this.#subscribed(caller, toolset, tool);
    if (asked === undefined) return subscribed.length === 0 ? undefined : subscribed.join(",");
    const tenant = tenantOfCaller(caller);
    const all = (): string => [...new Set([`${tenant}/${asked}`, ...subscribed])].slice(0, MAX_WEBHOOKS).join(",");
    if (this.#documents.get(WEBHOOK, tenant, asked) !== undefined) return all();
    return this.#catchUp().then(() => {
      if (this.#documents.get(WEBHOOK, tenant, asked) !== undefined) return all();
      throw invalidField("call.webhook", `must be a webhook of the tenant "${tenant}"; its administrators make them`);
    });
  }

  #compile(): void {
    this.#subscribers = [...this.#documents.all(WEBHOOK)]
      .flatMap(({ ref: { tenant, name }, spec: { match } }) =>
        match === undefined
          ? []
          : // A tenant hears of its own callers: what those of others do with its toolsets is their affair.
            [{ path: `${tenant}/${name}`, fits: compileCallMatch(tenant, match, (call) => call.tenant === tenant) }],
      )
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    this.#remembered.clear();
  }

  #subscribed(caller: CallerName, toolset: ToolsetName, tool: ToolName): readonly string[] {
    const key = `${caller} ${toolset} ${tool}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    const tenant = tenantOfCaller(caller);
    const parts = { toolset, toolsetTenant: tenantOf(toolset), toolsetName: plainName(toolset) };
    const call: MatchedCall = { tenant, id: fromWord(caller.slice(tenant.length + 1)), tool, ...parts };
    const paths = this.#subscribers.filter(({ fits }) => fits(call)).map(({ path }) => path);
    this.#remembered.set(key, paths.slice(0, MAX_WEBHOOKS));
    return paths.slice(0, MAX_WEBHOOKS);
  }
}
