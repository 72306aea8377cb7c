import type { IncomingHttpHeaders } from "node:http";
import type { Static, TObject, TSchema } from "typebox";
import type { CallerAccess } from "../../access/caller-access.js";
import type { Principal } from "../../identity/principal.js";
import type { NodeHealth } from "../ops/node-health.js";
import type { RpcName, RpcRequest, RpcResponse } from "./rpcs.js";

/** How a route is asked. */
export type HttpMethod = "GET" | "POST" | "PUT" | "DELETE";

/** A header of an answer, as the served document describes it. */
export interface AnswerHeader {
  readonly description: string;
  readonly schema: TSchema;
}

/** One status that a route answers with. */
export interface RouteAnswer {
  readonly description: string;
  /** Absent where there is no body. */
  readonly schema?: TSchema;
  /** `application/json` unless said. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, AnswerHeader>>;
}

/** What a handler answers. */
export type Answer =
  /** One body: JSON, in which a `RawJson` is written as the bytes that it came as. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
      /** `application/json` unless said. */
      readonly contentType?: string;
    }
  /** Events as they come (`text/event-stream`). */
  | { readonly events: AsyncIterable<StreamEvent> };

/** One event of a stream; see https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export interface StreamEvent {
  /** Where a reader goes on that says so by `Last-Event-ID`; absent where it cannot. */
  readonly id?: string;
  readonly event: string;
  /** JSON, in which a `RawJson` is written as the bytes that it came as. */
  readonly data: unknown;
}

/** Asks a method of a node for the caller of the request: by the RPC's rule, with its audit, as a gRPC call of the same would. */
export interface Ask {
  /** The caller, as the route's rule let it in: with what it may do as of now. */
  readonly caller: { readonly principal: Principal; readonly access: CallerAccess };
  /** @param more what its answer is waited for, where that is less than the request's own time: in milliseconds */
  unary<Name extends RpcName>(
    name: Name,
    request: Partial<RpcRequest<Name>>,
    more?: { readonly withinMs?: number },
  ): Promise<RpcResponse<Name>>;
  stream<Name extends RpcName>(
    name: Name,
    request: Partial<RpcRequest<Name>>,
    more?: { readonly withinMs?: number },
  ): AsyncIterable<RpcResponse<Name>>;
}

/** A request, as a route's handler has it: validated by the route's schemas. */
export interface RouteRequest<Params, Query, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came; empty where there is none. */
  readonly body: Buffer;
  /** The body as the route's schema has it; undefined where the route takes it as it comes. */
  readonly json: Body;
  readonly ask: Ask;
  readonly node: RouteNode;
}

/** The node that answers. */
export interface RouteNode {
  health(): Promise<NodeHealth>;
  /** Whether callers must prove who they are. */
  asksWho(): boolean;
}

/** What anybody may ask, and needs no method of a node's services. */
export type HealthRpc = "grpc.health.v1.Health/Check";

/** What a route is, in full. */
export interface Route {
  readonly method: HttpMethod;
  /** As fastify has it: `/v1/toolsets/:toolset`. */
  readonly path: string;
  /** The same as OpenAPI has it, where the two differ. */
  readonly documentedPath?: string;
  /**
   * The RPC that it stands for: its rule lets callers in, before anything of the request's body is read. The application does not start
   * where the RPC has no rule.
   */
  readonly rpc: RpcName | HealthRpc;
  /** Unique; client generators name their methods by it. */
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly headers?: TObject;
  /** `raw`: JSON that is passed on as it came. A schema: JSON of that form. Absent: there is none. */
  readonly body?: "raw" | TObject;
  /** The largest body, in bytes, where it is less than the node takes by the RPC's rule. */
  readonly maxBodyBytes?: number;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly handle: (request: RouteRequest<never, never, never>) => Promise<Answer>;
}

/** Whether a request may leave out a body of this form: nothing in it is required. */
export function isOptional(body: TObject): boolean {
  const required: readonly unknown[] = body.required ?? [];
  return required.length === 0;
}

type Read<Schema> = Schema extends TObject ? Static<Schema> : unknown;

/** A route whose handler's request has the types of its schemas. */
export function route<
  Params extends TObject | undefined = undefined,
  Query extends TObject | undefined = undefined,
  Body extends TObject | "raw" | undefined = undefined,
>(
  route: Omit<Route, "params" | "query" | "body" | "handle"> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (request: RouteRequest<Read<Params>, Read<Query>, Read<Body>>) => Promise<Answer>;
  },
): Route {
  return route as Route; // the application gives each handler what its own schemas have let through
}
