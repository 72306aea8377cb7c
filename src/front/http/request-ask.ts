import type { IncomingMessage, ServerResponse } from "node:http";
import { RPC_RULES, type RpcRule } from "../../access/rpc-rules.js";
import { joinAddress } from "../../config/address.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { ServedState } from "../services/served-call.js";
import type { AnswerWriter } from "./answer-writer.js";
import { parseDuration, TIMEOUT_HEADER } from "./duration.js";
import { HttpCall } from "./http-call.js";
import { RequestFailure } from "./problem.js";
import { credentialsOf } from "./request-credentials.js";
import type { Ask } from "./route.js";
import type { KnownRpc, RpcName, RpcRequest, RpcResponse } from "./rpcs.js";

export interface RequestAskParts {
  readonly rpcs: ReadonlyMap<string, KnownRpc>;
  readonly state: ServedState;
}

/** What one request asks of the node's methods: each an `HttpCall`, let in by its RPC's rule. */
export class RequestAsk implements Ask {
  readonly #parts: RequestAskParts;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #calls = new Set<HttpCall>();
  readonly #peer: string;
  /** By which the route's rule let its caller in. */
  #first: HttpCall | undefined;
  /** Let in before the body was read, for the first that asks its RPC. */
  #admitted: { readonly name: RpcName; readonly call: HttpCall } | undefined;
  #withinMs: number | undefined;
  #writer: AnswerWriter | undefined;

  constructor(parts: RequestAskParts, request: IncomingMessage, response: ServerResponse) {
    this.#parts = parts;
    this.#request = request;
    this.#response = response;
    const { remoteAddress = "", remotePort = 0 } = request.socket;
    this.#peer = joinAddress(remoteAddress, remotePort);
  }

  answerBy(writer: AnswerWriter): void {
    this.#writer = writer;
  }

  /** Finds out who asks, as the rule of the route's RPC has it. @throws RequestFailure */
  async admit(name: RpcName): Promise<void> {
    const { call } = await this.#begin(name, undefined, true);
    this.#first = call;
    this.#admitted = { name, call };
  }

  get caller(): HttpCall {
    if (this.#first === undefined) throw new ToolgateError("INTERNAL", "The route lets in whoever comes.");
    return this.#first;
  }

  async unary<Name extends RpcName>(
    name: Name,
    request: Partial<RpcRequest<Name>>,
    { withinMs }: { readonly withinMs?: number } = {},
  ): Promise<RpcResponse<Name>> {
    const { call, rpc } = await this.#begin(name, withinMs);
    try {
      if (rpc.method.kind !== "unary") throw new ToolgateError("INTERNAL", `${rpc.path} is no method of one answer`);
      const answer = await call.orLeft(rpc.method.handler({ ...rpc.empty, ...request } as never, call)); // a request with all of its fields
      call.finish();
      return answer as RpcResponse<Name>; // of the method of that name
    } catch (error) {
      throw this.#failed(call, error);
    } finally {
      this.#end(call);
    }
  }

  async *stream<Name extends RpcName>(
    name: Name,
    request: Partial<RpcRequest<Name>>,
    { withinMs }: { readonly withinMs?: number } = {},
  ): AsyncGenerator<RpcResponse<Name>, void, void> {
    const { call, rpc } = await this.#begin(name, withinMs);
    call.streams();
    try {
      if (rpc.method.kind !== "serverStream")
        throw new ToolgateError("INTERNAL", `${rpc.path} is no method of a stream`);
      const messages = rpc.method.handler({ ...rpc.empty, ...request } as never, call); // as above
      for await (const message of messages as AsyncIterable<RpcResponse<Name>>) yield message;
      if (call.abandoned !== undefined) throw call.abandoned;
      call.finish();
    } catch (error) {
      throw this.#failed(call, error);
    } finally {
      this.#end(call);
    }
  }

  /** The node, or what it holds, ends the request. */
  end(reason: ToolgateError): void {
    for (const call of this.#calls) call.terminate(reason);
    this.#writer?.cut();
  }

  /** The connection has gone, or all is said. */
  close(): void {
    for (const call of this.#calls) {
      call.left();
      this.#end(call);
    }
  }

  async #begin(
    name: RpcName,
    withinMs: number | undefined,
    ahead = false,
  ): Promise<{ readonly call: HttpCall; readonly rpc: KnownRpc }> {
    const rpc = this.#parts.rpcs.get(name);
    if (rpc === undefined) throw new ToolgateError("INTERNAL", `${name} is no RPC`);
    if (!ahead && this.#admitted?.name === name && withinMs === undefined) {
      const { call } = this.#admitted;
      this.#admitted = undefined;
      return { call, rpc };
    }
    const { state } = this.#parts;
    const waits = leastOf(withinMs, this.#timeoutMs());
    const { headers } = this.#request;
    const origin = {
      peer: this.#peer,
      traceparent: headers.traceparent as string | undefined, // Node joins no other than this
      tracestate: headers.tracestate as string | undefined,
      credentials: () => credentialsOf(this.#request, this.#peer),
    };
    const call = new HttpCall(rpc.path, origin, waits, state);
    this.#calls.add(call);
    state.open.add(call);
    if (waits !== undefined) call.leaveIn(waits);
    try {
      await call.admit(ruleOf(rpc.path));
    } catch (error) {
      this.#end(call);
      throw this.#failed(call, error);
    }
    if (this.#response.destroyed) call.left();
    return { call, rpc };
  }

  #timeoutMs(): number | undefined {
    const header = this.#request.headers[TIMEOUT_HEADER];
    if (header === undefined) return undefined;
    this.#withinMs ??= performance.now() + parseDuration(String(header), TIMEOUT_HEADER);
    return Math.max(1, this.#withinMs - performance.now());
  }

  #failed(call: HttpCall, error: unknown): RequestFailure {
    return error instanceof RequestFailure ? error : new RequestFailure(call.failed(call.endedBy ?? error));
  }

  #end(call: HttpCall): void {
    call.finish();
    call.settle();
    this.#calls.delete(call);
    this.#parts.state.open.delete(call);
  }
}

/** The rule of an RPC. @throws ToolgateError INTERNAL where it has none */
export function ruleOf(path: string): RpcRule {
  const rule = Object.hasOwn(RPC_RULES, path) ? RPC_RULES[path] : undefined;
  if (rule === undefined) throw new ToolgateError("INTERNAL", `${path} has no rule of who may ask it`);
  return rule;
}

function leastOf(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
