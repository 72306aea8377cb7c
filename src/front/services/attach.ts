import type { CallerAccess } from "../../access/caller-access.js";
import { requireVerb } from "../../access/require.js";
import { ruledToolset } from "../../access/require-on-toolset.js";
import type { EpochView } from "../../catalog/toolset-view.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { parseChannelBytes } from "../../frames/channel-bytes.js";
import { checkFrameSize, heldSize } from "../../frames/frame-size.js";
import { parseCallId } from "../../identity/call-id.js";
import { invalidField } from "../../identity/names.js";
import type { TextRequester } from "../../json/text-reader.js";
import { shareKey } from "../../limits/share-key.js";
import type { AttachRequest__Output } from "../../protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse } from "../../protocol/generated/toolgate/v1/AttachResponse.js";
import type { Hello__Output } from "../../protocol/generated/toolgate/v1/Hello.js";
import type { Limits } from "../../protocol/generated/toolgate/v1/Limits.js";
import type { AdmissionPacing } from "../../providers/admission-pacing.js";
import type { CallReports } from "../../providers/call-reports.js";
import { answerBytes, type ProviderEnd, type ResultChecks } from "../../providers/check-result.js";
import type { ProviderSession } from "../../providers/provider-session.js";
import type { ProviderSessions } from "../../providers/provider-sessions.js";
import type { Attachment, Registrations } from "../../providers/registrations.js";
import { AttachChannel } from "./attach-channel.js";
import type { DuplexStream } from "./duplex-stream.js";
import { readAnswer } from "./read-answer.js";
import { checkInHand, MAX_IN_FLIGHT, readInHand, readLease } from "./read-lease.js";

export interface AttachParts {
  readonly registrations: Registrations;
  readonly results: ResultChecks;
  readonly sessions: ProviderSessions;
  /** Paces attachments. */
  readonly pacing: AdmissionPacing;
  readonly reports: CallReports;
  /** The limits of the registry that providers receive. */
  readonly limits: Limits;
  /** Within so long a provider says hello, too. */
  readonly heartbeatMs: number;
}

/** The most characters that are read of a client's version. */
const MAX_CLIENT_VERSION = 128;

/** Serves a provider's stream: its first frame names the provider, and everything else waits until that is settled. */
export function attach(parts: AttachParts, stream: DuplexStream<AttachRequest__Output, AttachResponse>): void {
  const { sessions, pacing, heartbeatMs } = parts;
  const client = shareKey(stream.principal, stream.peer);
  let opened: Attachment | undefined;
  let over = false;
  let whenOver = (): void => {};
  // It holds a session's place.
  const silent = setTimeout(
    () => stream.fail(invalidField("hello", `must come within ${heartbeatMs} ms`)),
    heartbeatMs,
  ).unref();
  stream.onFrame((frame) => {
    clearTimeout(silent);
    if (opened !== undefined) return receive(parts, stream, opened.session, opened.epoch, client, frame);
    // It is held for as long as it waits.
    const { hello, deltas, results, pongs } = frame;
    checkInHand(hello?.inHand ?? []);
    checkFrameSize({ deltas, results, pongs });
    stream.pause();
    pacing
      .run(
        {
          arrival: "attach",
          client,
          patienceMs: stream.deadlineMs,
          bytes: heldSize(frame),
          whenGone: (listener) => {
            if (over) listener();
            whenOver = listener;
          },
        },
        () => openSession(parts, stream, hello),
      )
      .then((session) => {
        if (over) return sessions.close(session.session, "the stream ended");
        opened = session;
        // The first frame may say more than hello.
        receive(parts, stream, session.session, session.epoch, client, frame);
        stream.resume();
      })
      .catch((error: unknown) => stream.fail(toToolgateError(error)));
  });
  stream.onOver((reason) => {
    over = true;
    whenOver();
    clearTimeout(silent);
    if (opened !== undefined) sessions.close(opened.session, reason?.message ?? "the stream ended");
  });
}

async function openSession(
  parts: AttachParts,
  stream: DuplexStream<AttachRequest__Output, AttachResponse>,
  hello: Hello__Output | null,
): Promise<Attachment> {
  if (hello === null) throw invalidField("hello", "must be in the first frame");
  const { maxInFlight } = hello;
  const maxMessageBytes = parseChannelBytes(hello.maxMessageBytes, "hello.max_message_bytes");
  if (maxInFlight < 1 || maxInFlight > MAX_IN_FLIGHT)
    throw invalidField("hello.max_in_flight", `must be from 1 to ${MAX_IN_FLIGHT}`);
  const lease = readLease(hello.lease, stream.principal.tenant);
  const { catalog } = parts.registrations;
  const check = (access: CallerAccess): void => requireVerb(access, "register", ruledToolset(catalog, lease.toolset));
  check(stream.access);
  // One that may not serve the toolset any more gets no more calls; what it has in hand is another provider's, or unknown.
  stream.recheckBy(check);
  const clientVersion = hello.clientVersion.slice(0, MAX_CLIENT_VERSION).replace(/[^ -~]/g, "");
  const wish = { lease, maxInFlight, inHand: readInHand(hello.inHand), clientVersion };
  const end = (error?: unknown): void => (error === undefined ? stream.end() : stream.fail(toToolgateError(error)));
  const settings = { stream, maxMessageBytes, limits: parts.limits, end };
  return parts.registrations.attach(wish, (events) => new AttachChannel(settings, events));
}

/** A provider's stream, as its frames are taken from it. */
type ProviderFrames = Pick<DuplexStream<AttachRequest__Output, AttachResponse>, "pause" | "resume" | "holds" | "fail">;

/** Takes a frame of a session; where one of its texts is read in steps, the stream waits, so that all stays in its order. */
function receive(
  parts: AttachParts,
  stream: ProviderFrames,
  session: ProviderSession,
  epoch: EpochView,
  client: string,
  frame: AttachRequest__Output,
): void {
  const taking = take(parts, session, epoch, client, frame);
  const first = taking.next();
  if (first.done) return;
  stream.pause();
  const bytes = heldSize(frame);
  stream.holds(bytes);
  const rest = async (): Promise<void> => {
    for (let step: IteratorResult<Promise<unknown>, void> = first; !step.done; step = taking.next()) {
      await step.value;
      if (session.state.kind === "closed") return;
    }
  };
  rest()
    .catch((error: unknown) => stream.fail(error))
    .finally(() => {
      stream.holds(-bytes);
      stream.resume();
    });
}

/**
 * What a provider says on its session. A call that is not its own any more is refused, and nothing else happens.
 *
 * @yields what has to end before it goes on.
 */
function* take(
  parts: AttachParts,
  session: ProviderSession,
  epoch: EpochView,
  client: string,
  frame: AttachRequest__Output,
): Generator<Promise<unknown>, void> {
  const { sessions, results, reports } = parts;
  checkFrameSize({ deltas: frame.deltas, results: frame.results, pongs: frame.pongs });
  sessions.heard(session);
  // Several pongs at once say no more than one.
  if (frame.pongs.length > 0) sessions.ponged(session);
  const isUnneeded = (): boolean => session.state.kind === "closed";
  const requester = (): TextRequester => ({ client: `provider ${client}`, isUnneeded, holdsItsStream: true });
  for (const delta of frame.deltas) {
    const id = parseCallId(delta.callId, "deltas.call_id");
    let call = reports.running(session, id, delta.attempt);
    if (call === undefined) continue;
    const checked = results.checkOutput(delta.dataJson, requester);
    let fault: ProviderEnd | undefined;
    if (checked instanceof Promise) {
      fault = yield* endOf(checked);
      call = reports.running(session, id, delta.attempt);
      if (call === undefined) continue; // not any more
    } else fault = checked;
    if (fault === undefined) reports.append(session, call, delta.dataJson);
    else reports.abort(session, call, fault);
  }
  for (const result of frame.results) {
    const id = parseCallId(result.callId, "results.call_id");
    const answer = readAnswer(result);
    const reading = reports.running(session, id, result.attempt) && results.read(answer, requester);
    const read = reading instanceof Promise ? yield* endOf(reading) : reading;
    const call = reports.running(session, id, result.attempt);
    if (call === undefined) {
      // A result that is being settled was only said twice; any other one is refused.
      if (session.inHand.get(id)?.attempt !== result.attempt) session.settled(id, result.attempt, false);
      continue;
    }
    void reports.answer(session, call, answerBytes(answer), () =>
      results.check(epoch, call.tool, call.head, answer, read, client),
    );
  }
  if (frame.heartbeat !== null && !frame.heartbeat.reply) session.replyHeartbeat(frame.heartbeat.sequence);
  if (frame.drain !== null) void sessions.drainByProvider(session);
}

/** Waits for a promise that does not reject. */
function* endOf<Result>(promise: Promise<Result>): Generator<Promise<unknown>, Result> {
  const end: { result?: Result } = {};
  yield promise.then((result) => {
    end.result = result;
  });
  return end.result as Result; // it was waited for
}
