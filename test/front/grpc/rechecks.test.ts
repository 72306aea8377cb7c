import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { bidi, serverStream, unary } from "../../../src/front/services/methods.js";
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
