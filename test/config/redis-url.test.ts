import { expect, test } from "vitest";
import { redisUrlFault, withoutCredentials } from "../../src/config/redis-url.js";

test.each(["redis://127.0.0.1:6379", "rediss://u:p%40@h", "redis://h:1/15", "redis://[::1]:6379/", "redis://h"])(
  "%s is a Redis URL",
  (url) => {
    expect(redisUrlFault(url)).toBeUndefined();
  },
);

test("credentials are left out", () => {
  expect(withoutCredentials("rediss://user:hunter2@h:1/2")).toBe("rediss://h:1/2");
  expect(withoutCredentials("hunter2")).toBe("(not a URL)");
});
