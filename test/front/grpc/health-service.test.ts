import { describe, expect, test } from "vitest";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { echoServer, GATEWAY } from "./echo-server.js";
import { healthClient } from "./health-client.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

const NOT_FOUND = 5;

describe("grpc.health.v1", () => {
  test("answers per service and for the node as a whole", async () => {
    await using echo = await echoServer();
    using health = healthClient(echo.address);
    expect(await health.check(GATEWAY)).toBe("SERVING");
    expect(await health.check("")).toBe("SERVING");
    expect(await health.check("toolgate.v1.Nothing")).toBe(NOT_FOUND);
    expect(await health.list()).toEqual({
      statuses: { "": { status: "SERVING" }, [GATEWAY]: { status: "SERVING" } },
    });
    echo.server.setServing(GATEWAY, false);
    expect(await health.check(GATEWAY)).toBe("NOT_SERVING");
    expect(await health.check("")).toBe("NOT_SERVING");
    echo.server.setServing("all", true);
    expect(await health.check("")).toBe("SERVING");
    expect(() => echo.server.setServing("toolgate.v1.Nothing", true)).toThrow("There is no service");
  });

  test("a watch tells each change once, and ends with the server", async () => {
    await using echo = await echoServer();
    using health = healthClient(echo.address);
    const stream = health.watch("");
    const seen: string[] = [];
    stream.on("data", ({ status }: { status: string }) => seen.push(status));
    const end = endOf<{ status: string }>(stream);
    await until("the state at the start", () => seen.length === 1);
    echo.server.setServing("all", true); // no change
    echo.server.setServing(GATEWAY, false);
    await until("the first change", () => seen.length === 2);
    echo.server.setServing("all", true);
    await until("the second change", () => seen.length === 3);
    echo.server.beginDrain();
    await until("the third change", () => seen.length === 4);
    echo.server.setServing("all", true); // too late
    const stopped = echo.server.stop(60_000);
    expect((await end).error?.reason).toBe("NODE_DRAINING");
    await stopped;
    expect(seen).toEqual(["SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"]);
  });

  test("a watch of an unknown service stays open", async () => {
    await using echo = await echoServer();
    using health = healthClient(echo.address);
    const stream = health.watch("toolgate.v1.Nothing");
    const seen: string[] = [];
    stream.on("data", ({ status }: { status: string }) => seen.push(status));
    const end = endOf(stream);
    await until("its state", () => seen[0] === "SERVICE_UNKNOWN");
    stream.cancel();
    expect((await end).error?.reason).toBe("CANCELLED");
  });
});
