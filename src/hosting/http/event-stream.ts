import { StringDecoder } from "node:string_decoder";
import { ToolFailure } from "../../index.js";
import { isJson } from "../../json/is-json.js";
import { RawJson } from "../../json/raw-json.js";
import { HTTP_INVALID_ANSWER } from "./http-failure.js";

/**
 * The events of a stream as a server sends them (https://html.spec.whatwg.org/#parsing-an-event-stream): the data of each, as JSON
 * where it is JSON, else as text; together with the event's name where it has one.
 *
 * @param maxBytes the most that one event may have.
 * @throws ToolFailure HTTP_INVALID_ANSWER
 */
export async function* readEvents(
  pieces: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<unknown, void, void> {
  let data: string[] = [];
  let name = "";
  let length = 0;
  for await (const line of linesOf(pieces, /\r\n|\r|\n/, maxBytes)) {
    if (line === "") {
      if (data.length > 0) yield eventOf(name, data.join("\n"));
      [data, name, length] = [[], "", 0];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") name = value.slice(0, 128);
    if (field !== "data") continue;
    length += value.length;
    if (length > maxBytes) throw tooLong(maxBytes);
    data.push(value);
  }
  // What is not ended by an empty line is none, says the specification; servers that just stop mean it all the same.
  if (data.length > 0) yield eventOf(name, data.join("\n"));
}

/**
 * The lines of a stream of JSON, one value each.
 *
 * @param maxBytes the most that one line may have.
 * @throws ToolFailure HTTP_INVALID_ANSWER
 */
export async function* readLines(pieces: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<unknown, void, void> {
  for await (const line of linesOf(pieces, /\r?\n/, maxBytes)) {
    if (line.trim() !== "") yield jsonOrText(line);
  }
}

async function* linesOf(
  pieces: AsyncIterable<Buffer>,
  end: RegExp,
  maxBytes: number,
): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder("utf8");
  let rest: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let text = decoder.write(piece);
    // A line's end may be two characters, of which only the first has come.
    const before = rest.at(-1);
    if (before?.endsWith("\r") === true) {
      rest.pop();
      text = before + text;
      length -= before.length;
    }
    const isOpen = text.endsWith("\r");
    const whole = isOpen ? text.slice(0, -1) : text;
    const lines = whole.split(end);
    const last = lines.pop() ?? "";
    for (const line of lines) {
      yield [...rest, line].join("");
      rest = [];
      length = 0;
    }
    rest.push(isOpen ? `${last}\r` : last);
    length += last.length;
    if (length > maxBytes) throw tooLong(maxBytes);
  }
  const last = rest.join("") + decoder.end();
  if (last !== "") yield last.replace(/\r$/, "");
}

function eventOf(name: string, data: string): unknown {
  const value = jsonOrText(data);
  return name === "" || name === "message" ? value : { event: name, data: value };
}

function jsonOrText(text: string): RawJson | string {
  const bytes = Buffer.from(text);
  return isJson(bytes) ? new RawJson(bytes) : text;
}

function tooLong(maxBytes: number): ToolFailure {
  return new ToolFailure(
    HTTP_INVALID_ANSWER,
    `A piece of the stream has more than ${maxBytes} bytes, which is the most that is read.`,
  );
}
