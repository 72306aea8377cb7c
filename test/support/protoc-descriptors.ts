import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

interface Described {
  readonly name: string;
  /** The encoded google.protobuf.FileDescriptorProto. */
  readonly bytes: Buffer;
}

let made: readonly Described[] | undefined;

/** All proto files and what they import, as protoc describes them: by buf, whose images are the same to the byte. */
export function protocDescriptors(): readonly Described[] {
  made ??= [...split(build("binpb"))].map((bytes, at) => ({ name: names()[at] ?? "", bytes }));
  return made;
}

const build = (format: "binpb" | "json"): Buffer =>
  execFileSync(
    buf,
    ["build", "proto", "--as-file-descriptor-set", "--exclude-source-info", "-o", `-#format=${format}`],
    { cwd: root },
  );

let listed: readonly string[] | undefined;

function names(): readonly string[] {
  listed ??= (JSON.parse(build("json").toString()) as { file: { name: string }[] }).file.map(({ name }) => name);
  return listed;
}

/** The messages of a FileDescriptorSet, which is one repeated field. */
function* split(set: Buffer): Generator<Buffer> {
  for (let at = 0; at < set.length; ) {
    let length = 0;
    let shift = 0;
    let byte = 128;
    for (at += 1; byte >= 128; at += 1, shift += 7) {
      byte = set[at] ?? 0;
      length |= (byte & 127) << shift;
    }
    yield set.subarray(at, at + length);
    at += length;
  }
}
