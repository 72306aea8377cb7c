import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { messageId, parseSigningSecret, signedHeaders } from "../../src/webhooks/signature.js";

const secretOf = (bytes: number): string => `whsec_${randomBytes(bytes).toString("base64")}`;
const BODY = Buffer.from('{"type":"call.ended","n": 10.50, "text":"ä"}');

function signed(texts: readonly string[], nowMs = Date.now()) {
  const secrets = texts.map(parseSigningSecret).filter((secret) => secret !== undefined);
  return signedHeaders(messageId("0.call", "default/billing"), nowMs, BODY, secrets);
}

test.each([24, 32, 64])("the published library accepts what a secret of %i bytes has signed", (bytes) => {
  const secret = secretOf(bytes);
  expect(new Webhook(secret).verify(BODY, { ...signed([secret]) })).toMatchObject({ type: "call.ended" });
});

test("a message that is signed with two secrets is accepted by each, and by no other", () => {
  const [one = "", other = ""] = [secretOf(32), secretOf(32)];
  const headers = { ...signed([one, other]) };
  for (const secret of [one, other]) expect(() => new Webhook(secret).verify(BODY, headers)).not.toThrow();
  expect(() => new Webhook(secretOf(32)).verify(BODY, headers)).toThrow();
});

test("a changed byte, id or time is noticed, and an old message is", () => {
  const secret = secretOf(32);
  const verify = (headers: object, body: Buffer | string = BODY) => new Webhook(secret).verify(body, { ...headers });
  const headers = signed([secret]);
  expect(() => verify(headers, BODY.toString().replace("10.50", "10.51"))).toThrow();
  expect(() => verify({ ...headers, "webhook-id": "msg_other" })).toThrow();
  expect(() => verify({ ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) })).toThrow();
  expect(() => verify(signed([secret], Date.now() - 3_600_000))).toThrow();
});

test("a message's id is the same in each attempt, and another one for another call or webhook", () => {
  const ids = [
    messageId("0.call", "default/billing"),
    messageId("0.call", "default/billing"),
    messageId("0.call", "default/audit"),
    messageId("1.call", "default/billing"),
  ];
  expect(new Set(ids).size).toBe(3);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).toMatch(/^msg_[\w-]{32}$/);
});

test.each(["", "whsec_", "whsec_short", secretOf(23), secretOf(65), secretOf(32).slice(6), `${secretOf(32)}\u0000`])(
  "%j is no secret",
  (text) => {
    expect(parseSigningSecret(text)).toBeUndefined();
  },
);
