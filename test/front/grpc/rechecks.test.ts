import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { bidi, serverStream, unary } from "../../../src/front/services/methods.js";
import { Rechecks } from "../../../src/front/services/rechecks.js";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { ask, refusal } from "./ask.js";
import { echoServer } from "./echo-server.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

function as(name: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${name}`);
  return metadata;
}

/** Never ends by itself. */
const ENDLESS = serverStream(async function* (_request, { signal }) {
  yield {};
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
});

test("open calls of a credential that does not hold any more end, and others' go on", async () => {
  const access = new ScriptedAccess("ada", "bob");
  const opened: string[] = [];
  await using echo = await echoServer(
    {
      FollowCall: ENDLESS,
      Session: bidi((stream) => {
        opened.push(stream.principal.id);
        stream.onFrame(({ calls }) => void stream.send({ terminals: calls.map(({ ref }) => ({ ref })) }));
      }),
      Invoke: unary(
        (_request, { signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      ),
    },
    {},
    { access },
  );
  const client = echo.client();
  const bobs = client.session(as("bob"));
  bobs.on("error", () => {});
  const session = endOf(client.session(as("ada")) as never);
  const followed = client.followCall({ callId: "1" }, as("ada"));
  const follow = endOf(followed);
  const invoked = refusal((cb) => client.invoke({}, as("ada"), cb as never));
  await until("both sessions are open", () => opened.length === 2 && access.asked.length === 4);
  access.known.delete("ada");
  access.change();
  for (const { reason } of [(await session).error, (await follow).error, await invoked].map(
    (error) => error ?? { reason: "" },
  ))
    expect(reason).toBe("UNAUTHENTICATED");
  const answered = new Promise((resolve) => bobs.once("data", resolve));
  bobs.write({ calls: [{ ref: 7 }] });
  expect(await answered).toMatchObject({ terminals: [{ ref: 7 }] });
  bobs.end();
  expect((await refusal((cb) => client.callTool({}, as("ada"), cb as never))).reason).toBe("UNAUTHENTICATED");
  await ask((cb) => client.callTool({}, as("bob"), cb as never));
});

test("a credential that expires ends its stream without any change", async () => {
  const access = new ScriptedAccess("ada");
  await using echo = await echoServer({ FollowCall: ENDLESS }, {}, { access });
  const stream = echo.client().followCall({ callId: "1" }, as("ada"));
  const end = endOf(stream);
  stream.once("data", () => access.known.delete("ada"));
  expect((await end).error?.reason).toBe("UNAUTHENTICATED");
});

test("a stream whose handler would not begin it now ends, to be opened again", async () => {
  const access = new ScriptedAccess("ada");
  let allowed = true;
  await using echo = await echoServer(
    {
      FollowCall: serverStream(async function* (_request, context) {
        context.recheckBy(() => {
          if (!allowed) throw new ToolgateError("UNKNOWN_CALL", "There is no such call.");
        });
        yield {};
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      }),
    },
    {},
    { access },
  );
  const stream = echo.client().followCall({ callId: "1" }, as("ada"));
  const end = endOf(stream);
  await new Promise((resolve) => stream.once("data", resolve));
  access.change();
  expect(await ask<unknown>((cb) => echo.client().callTool({}, as("ada"), cb as never))).toBeDefined();
  allowed = false;
  access.change();
  expect(await end).toMatchObject({ messages: [{}], error: { reason: "ACCESS_CHANGED" } });
});

test("what was ended is not looked at again, however long its handler takes", async () => {
  const access = new ScriptedAccess("ada");
  let asked = 0;
  const current = access.current.bind(access);
  access.current = (identity) => {
    asked++;
    return current(identity);
  };
  const over = deferred();
  await using echo = await echoServer({ Invoke: unary(() => over.promise.then(() => ({}))) }, {}, { access });
  const ended = refusal((cb) => echo.client().invoke({}, as("ada"), cb as never));
  await until("the call is open", () => access.asked.length === 1);
  access.known.delete("ada");
  access.change();
  expect((await ended).reason).toBe("UNAUTHENTICATED");
  expect(asked).toBe(1);
  access.change();
  access.known.set("ada", "all");
  await ask((cb) => echo.client().callTool({}, as("ada"), cb as never));
  expect(asked).toBe(1);
  over.resolve();
});

test("changes that come faster than calls are looked at keep no call from its turn, and a turn takes some milliseconds", async () => {
  const access = new ScriptedAccess();
  const looked: number[] = [];
  let turns = 0;
  const count = () => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const calls = Array.from({ length: 6 }, (_, index) => ({
    ...{ leave() {}, terminate() {}, hasExpired: () => false },
    recheck() {
      looked.push(index);
      const untilMs = performance.now() + 5;
      while (performance.now() < untilMs);
      access.change();
      return undefined;
    },
  }));
  const rechecks = new Rechecks(access, new Set(calls));
  rechecks.start();
  access.change();
  await until("each call had two turns", () => looked.length >= 12);
  rechecks.stop();
  clearImmediate(counting);
  expect(looked.slice(0, 12)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  expect(turns).toBeGreaterThanOrEqual(8);
});
