// An HTTP API as any other: books, made and read with a key. It knows nothing of Toolgate.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { env } from "node:process";

const key = readFileSync(new URL("key.txt", import.meta.url), "utf8").trim();
const books = new Map([["1", { id: "1", title: "Middlemarch", pages: 880 }]]);

const server = createServer(async (request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const parts = [];
  for await (const part of request) parts.push(part);
  if (request.headers["x-api-key"] !== key) return answer(401, { message: "the key is not right" });
  const { pathname } = new URL(request.url, "http://localhost");
  const id = decodeURIComponent(/^\/v1\/books\/([^/]+)$/.exec(pathname)?.[1] ?? "");
  if (request.method === "GET" && id !== "") {
    const book = books.get(id);
    return book === undefined ? answer(404, { message: `there is no book ${id}` }) : answer(200, book);
  }
  if (request.method === "GET" && pathname === "/v1/books") return answer(200, [...books.values()]);
  if (request.method === "POST" && pathname === "/v1/books") {
    const book = { id: String(books.size + 1), ...JSON.parse(Buffer.concat(parts).toString()) };
    books.set(book.id, book);
    return answer(201, book);
  }
  return answer(404, { message: "there is nothing here" });
});

server.listen(Number(env.PORT ?? 8090), "127.0.0.1", () => {
  console.log(`books at http://127.0.0.1:${server.address().port}`);
});
