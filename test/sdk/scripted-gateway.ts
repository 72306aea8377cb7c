import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { AttachRequest__Output } from "../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse } from "../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import type { FollowCallRequest__Output } from "../../src/protocol/generated/toolgate/v1/FollowCallRequest.js";
import type { FollowCallResponse } from "../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import type { SessionCall__Output } from "../../src/protocol/generated/toolgate/v1/SessionCall.js";
import type { SessionRequest__Output } from "../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import type { TailAuditRequest__Output } from "../../src/protocol/generated/toolgate/v1/TailAuditRequest.js";
import type { TailAuditResponse } from "../../src/protocol/generated/toolgate/v1/TailAuditResponse.js";
import type { WatchRequest__Output } from "../../src/protocol/generated/toolgate/v1/WatchRequest.js";
import type { WatchResponse } from "../../src/protocol/generated/toolgate/v1/WatchResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { toServiceError } from "../../src/protocol/status-details.js";

/**
 * A gateway node that does what a test tells it to: real grpc-js, real sockets, the real wire contract, and no logic. So
 * every fault can be had at an exact point.
 */

/** What came in, in order; a reader waits for what has not come yet. */
export class Inbox<T> {
  readonly all: T[] = [];
  readonly #unread: T[] = [];
  readonly #readers: ((item: T) => void)[] = [];

  put(item: T): void {
    this.all.push(item);
    const reader = this.#readers.shift();
    if (reader === undefined) this.#unread.push(item);
    else reader(item);
  }

  next(): Promise<T> {
    const item = this.#unread.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  get unread(): number {
    return this.#unread.length;
  }
}

/** The node's side of one agent's session. */
export class ScriptedSession {
  readonly frames = new Inbox<SessionRequest__Output>();
  readonly calls = new Inbox<SessionCall__Output>();
  readonly cancels = new Inbox<number>();
  readonly ended: Promise<void>;
  readonly #stream: ServerDuplexStream<SessionRequest__Output, SessionResponse>;

  constructor(stream: ServerDuplexStream<SessionRequest__Output, SessionResponse>) {
    this.#stream = stream;
    stream.on("data", (frame: SessionRequest__Output) => {
      this.frames.put(frame);
      for (const call of frame.calls) this.calls.put(call);
      for (const { ref } of frame.cancels) this.cancels.put(ref);
    });
    stream.on("error", () => {});
    this.ended = new Promise((resolve) => {
      stream.on("end", () => {
        stream.end();
        resolve();
      });
      stream.on("cancelled", () => resolve());
    });
  }

  send(frame: SessionResponse): void {
    this.#stream.write(frame);
  }

  result(ref: number, value: unknown): void {
    const resultJson = Buffer.from(JSON.stringify(value));
    const terminal = {
      callId: `call-${ref}`,
      kind: "TERMINAL_KIND_RESULT",
      resultJson,
      executed: "EXECUTED_YES",
    } as const;
    this.send({ terminals: [{ ref, terminal }] });
  }

  reject(ref: number, reason: string, more: { grpcCode?: number; retryAfterMs?: number } = {}): void {
    const error = { reason, message: `refused: ${reason}`, ...more };
    this.send({ terminals: [{ ref, terminal: { kind: "TERMINAL_KIND_REJECTED", executed: "EXECUTED_NO", error } }] });
  }

  fail(error: ToolgateError): void {
    this.#stream.emit("error", toServiceError(error));
  }
}

/** The node's side of one provider's session. */
export class ScriptedAttachment {
  readonly frames = new Inbox<AttachRequest__Output>();
  readonly results = new Inbox<AttachRequest__Output["results"][number]>();
  readonly deltas = new Inbox<AttachRequest__Output["deltas"][number]>();
  readonly pongs = new Inbox<string>();
  readonly drains = new Inbox<true>();
  readonly heartbeats = new Inbox<NonNullable<AttachRequest__Output["heartbeat"]>>();
  readonly ended: Promise<void>;
  hello: AttachRequest__Output["hello"] = null;
  readonly #stream: ServerDuplexStream<AttachRequest__Output, AttachResponse>;
  #settlesAll = false;

  constructor(stream: ServerDuplexStream<AttachRequest__Output, AttachResponse>, onHello: () => void) {
    this.#stream = stream;
    stream.on("data", (frame: AttachRequest__Output) => {
      this.frames.put(frame);
      for (const delta of frame.deltas) this.deltas.put(delta);
      for (const result of frame.results) {
        this.results.put(result);
        if (this.#settlesAll) this.settle(result.callId, result.attempt);
      }
      for (const { nonce } of frame.pongs) this.pongs.put(nonce);
      if (frame.heartbeat !== null) this.heartbeats.put(frame.heartbeat);
      if (frame.drain !== null) this.drains.put(true);
      if (frame.hello !== null) {
        this.hello = frame.hello;
        onHello();
      }
    });
    stream.on("error", () => {});
    this.ended = new Promise((resolve) => {
      stream.on("end", () => {
        stream.end();
        resolve();
      });
      stream.on("cancelled", () => resolve());
    });
  }

  send(frame: AttachResponse): void {
    this.#stream.write(frame);
  }

  welcome(heartbeatMs = 60_000, fenced: { callId: string; attempt: number }[] = []): void {
    this.send({ welcome: { nodeId: "n", state: "EPOCH_STATE_ACTIVE", fenced, heartbeatMs } });
  }

  /** @param payload a Buffer goes as it is. */
  call(callId: string, tool: string, payload: unknown, more: { attempt?: number; timeoutMs?: number } = {}): void {
    const { attempt = 1, timeoutMs = 60_000 } = more;
    const payloadJson = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
    this.send({ calls: [{ callId, tool, payloadJson, attempt, timeoutMs, deadlineMs: Date.now() + timeoutMs }] });
  }

  settle(callId: string, attempt = 1): void {
    this.send({ settled: [{ callId, attempt, accepted: true }] });
  }

  /** Settles the results that have come, and from now on each as it comes. */
  settleAll(): void {
    this.#settlesAll = true;
    for (const { callId, attempt } of this.results.all) this.settle(callId, attempt);
  }

  fail(error: ToolgateError): void {
    this.#stream.emit("error", toServiceError(error));
  }

  end(): void {
    this.#stream.end();
  }
}

type Reply = object | ToolgateError | "silence";
type Script = (request: never) => Reply | Promise<Reply>;

/** One stream from the node: what was asked for, and a way to answer. */
export interface ScriptedStream<Request, Response> {
  readonly request: Request;
  send(message: Response): void;
  end(): void;
  fail(error: ToolgateError): void;
  readonly cancelled: Promise<void>;
}

export class ScriptedNode {
  readonly sessions = new Inbox<ScriptedSession>();
  /** Receives each provider's session once it has said hello. */
  onAttachment: (attachment: ScriptedAttachment) => void = () => {};
  readonly follows = new Inbox<ScriptedStream<FollowCallRequest__Output, FollowCallResponse>>();
  readonly watches = new Inbox<ScriptedStream<WatchRequest__Output, WatchResponse>>();
  readonly tails = new Inbox<ScriptedStream<TailAuditRequest__Output, TailAuditResponse>>();
  /** Unary requests, by method, as they came in. */
  readonly requests = new Inbox<{ readonly method: string; readonly request: unknown }>();
  /** How unary requests are answered, by method; what is not here is answered with an empty message. */
  readonly scripts = new Map<string, Script>();
  /** Every RPC that was begun, in order. */
  readonly rpcs: SeenRpc[];
  readonly #server: Server;
  port = 0;

  private constructor(server: Server, rpcs: SeenRpc[]) {
    this.#server = server;
    this.rpcs = rpcs;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async start(port = 0, credentials = ServerCredentials.createInsecure()): Promise<ScriptedNode> {
    const { Registry, Catalog, Gateway, Access, Documents, Audit } = loadProtocol();
    const seen: SeenRpc[] = [];
    const node = new ScriptedNode(new Server({ interceptors: [recording(seen)] }), seen);
    const unary = (...methods: string[]) =>
      Object.fromEntries(methods.map((method) => [method, node.#unary(method)] as const));
    node.script("register", () => registration());
    // The handlers answer what the tests script, so the compiler cannot know their types.
    node.#server.addService(Registry.service, {
      ...unary("register", "pong", "renew", "drain", "release", "unregister", "promote"),
      attach: (stream: ServerDuplexStream<AttachRequest__Output, AttachResponse>) => {
        const attachment = new ScriptedAttachment(stream, () => node.onAttachment(attachment));
      },
    } as never);
    node.#server.addService(Catalog.service, {
      ...unary("listToolsets", "getToolset", "search"),
      watch: (stream: ServerWritableStream<WatchRequest__Output, WatchResponse>) => node.watches.put(scripted(stream)),
    } as never);
    node.#server.addService(Gateway.service, {
      ...unary("callTool", "invoke", "getCall", "cancelCall", "listCalls"),
      followCall: (stream: ServerWritableStream<FollowCallRequest__Output, FollowCallResponse>) =>
        node.follows.put(scripted(stream)),
      session: (stream: ServerDuplexStream<SessionRequest__Output, SessionResponse>) =>
        node.sessions.put(new ScriptedSession(stream)),
    } as never);
    node.#server.addService(Access.service, unary(...Object.keys(Access.service).map(handlerName)) as never);
    node.#server.addService(Documents.service, unary(...Object.keys(Documents.service).map(handlerName)) as never);
    node.#server.addService(Audit.service, {
      ...unary("queryAudit", "verifyAudit"),
      tailAudit: (stream: ServerWritableStream<TailAuditRequest__Output, TailAuditResponse>) =>
        node.tails.put(scripted(stream)),
    } as never);
    node.port = await new Promise<number>((resolve, reject) => {
      node.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return node;
  }

  script(method: string, script: Script): void {
    this.scripts.set(method, script);
  }

  /** The process is gone: its connections are cut, its port is free. */
  kill(): void {
    this.#server.forceShutdown();
  }

  #unary(method: string): handleUnaryCall<unknown, object> {
    return (call, callback) => {
      this.requests.put({ method, request: call.request });
      const script = this.scripts.get(method) ?? (() => ({}));
      void Promise.resolve(script(call.request as never)).then((reply) => {
        if (reply === "silence") return;
        if (reply instanceof ToolgateError) callback(toServiceError(reply));
        else callback(null, reply);
      });
    };
  }
}

/** What a service's handler is called: `whoAmI` of `WhoAmI`. */
function handlerName(method: string): string {
  return method.charAt(0).toLowerCase() + method.slice(1);
}

/** An RPC that was begun. */
export interface SeenRpc {
  /** Its name, such as `Register`. */
  readonly method: string;
  /** The header `authorization`. */
  readonly credential: string | undefined;
}

function recording(seen: SeenRpc[]): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            seen.push({
              method: path.split("/").at(-1) ?? "",
              credential: metadata.get("authorization")[0]?.toString(),
            });
            pass(metadata);
          },
        }),
    });
}

/** What Register answers unless a test says otherwise. */
export function registration(more: object = {}): object {
  return {
    epoch: 7,
    digest: "d".repeat(64),
    state: "EPOCH_STATE_ACTIVE",
    leaseToken: "token",
    leaseMs: 30_000,
    pingIntervalMs: 10_000,
    registeredAtMs: Date.now(),
    warnings: [],
    skipped: [],
    ...more,
  };
}

function scripted<Request, Response>(
  stream: ServerWritableStream<Request, Response>,
): ScriptedStream<Request, Response> {
  stream.sendMetadata(new Metadata());
  stream.on("error", () => {});
  return {
    request: stream.request,
    send: (message) => void stream.write(message),
    end: () => void stream.end(),
    fail: (error) => void stream.emit("error", toServiceError(error)),
    cancelled: new Promise((resolve) => stream.on("cancelled", () => resolve())),
  };
}
