import { describe, expect, test } from "vitest";
import { type BuiltRequest, buildRequest } from "../../../src/hosting/http/build-request.js";
import type { Json } from "../../../src/json/json.js";
import { api, onlyTool } from "./plan.js";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly [key: string]: Json;
}

function build(path: string, parameters: readonly Parameter[], payload: string, body?: Json): BuiltRequest {
  const operation = { parameters: parameters as unknown as Json, ...(body === undefined ? {} : { requestBody: body }) };
  return buildRequest(onlyTool(api({ [path]: { post: operation } })).plan, Buffer.from(payload));
}

const query = (style: Readonly<Record<string, Json>>, value: Json): readonly string[] =>
  build("/", [{ name: "a", in: "query", ...style }], JSON.stringify({ a: value })).query;

const inPath = (style: Readonly<Record<string, Json>>, value: Json): string =>
  build("/x/{a}", [{ name: "a", in: "path", required: true, ...style }], JSON.stringify({ a: value })).path;

describe("values within a path", () => {
  test.each<[string, string]>([
    ["../admin", "/x/..%2Fadmin"],
    ["%2e%2e%2fadmin", "/x/%252e%252e%252fadmin"],
    ["a?b=c", "/x/a%3Fb%3Dc"],
    ["a#b", "/x/a%23b"],
    ["a\r\nHost: evil", "/x/a%0D%0AHost%3A%20evil"],
    ["--flag", "/x/--flag"],
    ["a;b=c", "/x/a%3Bb%3Dc"],
    ["a\\..\\b", "/x/a%5C..%5Cb"],
    ["http://evil.example/", "/x/http%3A%2F%2Fevil.example%2F"],
    ["@evil.example", "/x/%40evil.example"],
    ["\u0000", "/x/%00"],
    ["é😀(*)", "/x/%C3%A9%F0%9F%98%80%28%2A%29"],
    ["...", "/x/..."],
  ])("%j is data", (value, path) => {
    expect(inPath({}, value)).toBe(path);
  });

  test.each<[string, Json]>([
    ["a dot", "."],
    ["two dots", ".."],
    ["nothing", ""],
    ["null", null],
    ["an empty list", []],
    ["half of a character", "\ud800"],
  ])("%s is refused: it would be another path, or none", (_name, value) => {
    expect(() => inPath({}, value)).toThrow(expect.objectContaining({ reason: "HTTP_INVALID_ARGUMENT" }));
  });

  test("do not become dots together, nor with what is beside them", () => {
    const parameters = ["a", "b"].map((name) => ({ name, in: "path", required: true }));
    for (const [path, a, b] of [
      ["/x/{a}{b}/y", ".", "."],
      ["/x/.{a}/{b}", ".", "z"],
      ["/x/%2e{a}/{b}", ".", "z"],
    ] as const) {
      expect(() => build(path, parameters, JSON.stringify({ a, b })), path).toThrow(/leads to another path/);
    }
    expect(build("/x/{a}.json/{b}", parameters, '{"a":"..","b":"-"}').path).toBe("/x/...json/-");
  });

  test("may have a name like a path: it is a name", () => {
    const built = build("/x/{../y}", [{ name: "../y", in: "path", required: true }], '{"../y":"z"}');
    expect(built.path).toBe("/x/z");
  });

  test.each<[Readonly<Record<string, Json>>, Json, string]>([
    [{}, ["a", "b,c"], "a,b%2Cc"],
    [{}, { r: 1, g: "x=y" }, "r,1,g,x%3Dy"],
    [{ explode: true }, { r: 1, g: 2 }, "r=1,g=2"],
    [{ style: "label" }, ["a", "b"], ".a,b"],
    [{ style: "label", explode: true }, ["a", "b"], ".a.b"],
    [{ style: "matrix" }, "5/6", ";a=5%2F6"],
    [{ style: "matrix", explode: true }, [3, 4], ";a=3;a=4"],
    [{ style: "matrix", explode: true }, { r: 1, g: 2 }, ";r=1;g=2"],
    [{ style: "matrix" }, { r: 1, g: 2 }, ";a=r,1,g,2"],
  ])("are written in the style %j: %j", (style, value, written) => {
    expect(inPath(style, value)).toBe(`/x/${written}`);
  });

  test("of the template itself are kept, and what no path has is encoded", () => {
    expect(build("/a b/ü/100%/%20/{a}:run".replace(" ", "+"), [], '{"a":"1"}').path).toBe(
      "/a+b/%C3%BC/100%25/%20/1:run",
    );
  });
});

describe("values of a query", () => {
  test.each<[Readonly<Record<string, Json>>, Json, readonly string[]]>([
    [{}, "a&b=c#d+e f", ["a=a%26b%3Dc%23d%2Be%20f"]],
    [{}, true, ["a=true"]],
    [{}, null, []],
    [{}, "", ["a="]],
    [{}, ["x", "y,z"], ["a=x", "a=y%2Cz"]],
    [{ explode: false }, ["x", "y,z"], ["a=x,y%2Cz"]],
    [{ style: "spaceDelimited", explode: false }, ["x", "y z"], ["a=x%20y%20z"]],
    [{ style: "pipeDelimited", explode: false }, ["x", "y|z"], ["a=x%7Cy%7Cz"]],
    [{}, { r: 1, "g&h": 2 }, ["r=1", "g%26h=2"]],
    [{ explode: false }, { r: 1, g: 2 }, ["a=r,1,g,2"]],
    [
      { style: "deepObject", explode: true },
      { r: { s: "x]" }, t: [1, 2] },
      ["a%5Br%5D%5Bs%5D=x%5D", "a%5Bt%5D%5B%5D=1", "a%5Bt%5D%5B%5D=2"],
    ],
    [{ style: "deepObject" }, { l: [{ m: 1 }] }, ["a%5Bl%5D%5B0%5D%5Bm%5D=1"]],
    [{ content: { "application/json": {} } }, { r: [1] }, ["a=%7B%22r%22%3A%5B1%5D%7D"]],
    [{ allowReserved: true }, "a/b&c", ["a=a%2Fb%26c"]],
    [{}, [{ r: 1 }], ["a=%7B%22r%22%3A1%7D"]],
  ])("in the style %j: %j", (style, value, written) => {
    expect(query(style, value)).toEqual(written);
  });

  test("keep their numbers as they were written", () => {
    const built = build("/", [{ name: "a", in: "query" }], '{"a":[10.00,725653563933458433,1e2]}');
    expect(built.query).toEqual(["a=10.00", "a=725653563933458433", "a=1e2"]);
  });
});

describe("values of headers and cookies", () => {
  const header = (value: Json): string | undefined =>
    build("/", [{ name: "X-A", in: "header" }], JSON.stringify({ "X-A": value })).headers["X-A"];

  test("are written as they are", () => {
    expect([header("a b"), header([1, "c"]), header({ r: 1 })]).toEqual(["a b", "1,c", "r,1"]);
  });

  test.each(["a\r\nX-B: c", "a\nb", "a\u0000", "a\u007f", "ключ", ["a", "b\r\n"]])(
    "%j is refused in a header",
    (value) => {
      expect(() => header(value)).toThrow(expect.objectContaining({ reason: "HTTP_INVALID_ARGUMENT" }));
    },
  );

  test("in cookies are encoded", () => {
    expect(build("/", [{ name: "a", in: "cookie" }], '{"a":"b; c=d\\r\\n"}').cookies).toEqual(["a=b%3B%20c%3Dd%0D%0A"]);
  });

  test("do not set what is the client's own", () => {
    const names = [
      "Accept",
      "authorization",
      "Content-Type",
      "Host",
      "Content-Length",
      "Transfer-Encoding",
      "Cookie",
      "Proxy-X",
    ];
    const tool = onlyTool(api({ "/": { post: { parameters: names.map((name) => ({ name, in: "header" })) } } }));
    expect(tool.payload).toMatchObject({ properties: {}, additionalProperties: false });
    expect(tool.plan.parameters).toEqual([]);
  });
});

describe("bodies", () => {
  const bodyOf = (
    content: Json,
    payload: string,
  ): { readonly type: string | undefined; readonly text: string | undefined } => {
    const built = build("/", [], payload, { content });
    return { type: built.headers["content-type"], text: built.body?.toString() };
  };

  test("of JSON are the caller's own bytes", () => {
    const json = '{ "a" : 10.00, "b":\t1e2 , "a2": 725653563933458433, "é":"\\u00e9" }';
    expect(bodyOf({ "application/json": {} }, `{"body":${json}}`)).toEqual({ type: "application/json", text: json });
    expect(bodyOf({ "*/*": {} }, '{"body":[1]}')).toEqual({ type: "application/json", text: "[1]" });
    expect(bodyOf({ "application/vnd.api+json": {} }, '{"body":null}').type).toBe("application/vnd.api+json");
    expect(bodyOf({ "application/json": {} }, "{}")).toEqual({ type: undefined, text: undefined });
  });

  test("of forms are encoded, in the styles that the document says", () => {
    const content = {
      "application/x-www-form-urlencoded": {
        schema: { type: "object" },
        encoding: { card: { style: "deepObject", explode: true }, list: { explode: false } },
      },
    };
    expect(
      bodyOf(content, '{"body":{"a":"x&y","n":10.0,"card":{"no":"4 2"},"list":[1,2],"more":{"z":1},"none":null}}'),
    ).toEqual({
      type: "application/x-www-form-urlencoded",
      text: "a=x%26y&n=10.0&card%5Bno%5D=4%202&list=1,2&more=%7B%22z%22%3A1%7D",
    });
  });

  test("of several parts have files as bytes, and no line that is not theirs", () => {
    const properties = {
      file: { type: "string", format: "binary" },
      note: { type: "string" },
      data: { type: "object" },
    };
    const content = { "multipart/form-data": { schema: { type: "object", properties } } };
    const payload = {
      body: { file: Buffer.from([0, 255]).toString("base64"), note: "a\r\n--x", data: { b: 1 }, 'q"\r\nX: y': "z" },
    };
    const { type = "", text = "" } = bodyOf(content, JSON.stringify(payload));
    const [, boundary = ""] = /boundary=(.+)$/.exec(type) ?? [];
    const parts = text.split(`--${boundary}`).slice(1, -1);
    expect(parts.map((part) => part.trim().split("\r\n\r\n")[0])).toEqual([
      'Content-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream',
      'Content-Disposition: form-data; name="note"',
      'Content-Disposition: form-data; name="data"\r\nContent-Type: application/json',
      'Content-Disposition: form-data; name="q%22%0D%0AX: y"',
    ]);
    expect(parts[2]).toContain('{"b":1}');
  });

  test("of text and of bytes are strings", () => {
    expect(bodyOf({ "text/plain": {} }, '{"body":"a\\u00e9"}')).toEqual({
      type: "text/plain; charset=utf-8",
      text: "aé",
    });
    expect(bodyOf({ "application/octet-stream": {} }, '{"body":"YWJj"}')).toEqual({
      type: "application/octet-stream",
      text: "abc",
    });
    expect(bodyOf({ "image/*": {} }, '{"body":"YWJj"}').type).toBe("application/octet-stream");
    for (const wrong of ["a", "YWJj!", "Y=Jj", "YWJjZ"]) {
      expect(() => bodyOf({ "image/png": {} }, JSON.stringify({ body: wrong })), wrong).toThrow("/body must be base64");
    }
  });
});
