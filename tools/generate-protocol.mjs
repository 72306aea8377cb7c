// Makes what the code holds of the wire contract from the files in `proto`, into the folder that is named: the types of
// all messages, the definitions that the SDK and the node are built on, and the descriptors that reflection serves. So no
// proto file is read at run time, and a bundle needs none.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PROTO = join(ROOT, "proto");
const BIN = join(ROOT, "node_modules", ".bin");

/** Each module of definitions, and what it holds: agents and providers need nothing of what only a node serves. */
const DEFINITIONS = [
  {
    module: "contract-definitions",
    constant: "CONTRACT_DEFINITIONS",
    says: "The wire contract and the details of its errors.",
    folders: ["toolgate/v1/", "google/rpc/"],
  },
  {
    module: "node-definitions",
    constant: "NODE_DEFINITIONS",
    says: "What a node serves beside the wire contract: health and reflection.",
    folders: ["grpc/"],
  },
];

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("Usage: node tools/generate-protocol.mjs FOLDER");
  process.exit(2);
}

const protoFiles = readdirSync(PROTO, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".proto"))
  .map((name) => name.split(sep).join("/"))
  .sort();
const folder = join(ROOT, out);
rmSync(folder, { recursive: true, force: true });
writeTypes();
for (const definitions of DEFINITIONS) writeDefinitions(definitions);
writeDescriptors();

/** The types of messages, services and clients. */
function writeTypes() {
  const options = ["--longs=Number", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js"];
  const extensions = ["--targetFileExtension=.ts", "--importFileExtension=.js"];
  const typed = protoFiles.filter((file) => !file.includes("/v1alpha/")); // the same messages as in v1
  run("proto-loader-gen-types", ["-I", "proto", ...options, ...extensions, "-O", out, ...typed]);
  // Beside each file's types stands one of the whole package; only those of our own services are used.
  for (const file of protoFiles) {
    if (!file.startsWith("toolgate/")) rmSync(join(folder, `${basename(file, ".proto")}.ts`), { force: true });
  }
  rmSync(join(folder, "contract.ts")); // it has no service
}

/** The definitions as JSON of protobufjs, which is read in less time than the proto files are. */
function writeDefinitions({ module, constant, says, folders }) {
  // proto-loader's own copy, which reads them at run time.
  const loader = createRequire(createRequire(import.meta.url).resolve("@grpc/proto-loader"));
  const protobuf = loader("protobufjs");
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => (existsSync(join(PROTO, target)) ? join(PROTO, target) : target);
  root.loadSync(protoFiles.filter((file) => folders.some((one) => file.startsWith(one))));
  root.resolveAll();
  const json = JSON.stringify(withoutFileOptions(root.toJSON()), null, 1);
  write(module, `/** ${says} As JSON of protobufjs. */\nexport const ${constant}: string = String.raw\`${json}\`;\n`);
}

/** Options of files stand at their package, where those of several files would be mixed up; no code here reads them. */
function withoutFileOptions({ options: _, ...namespace }) {
  const { nested } = namespace;
  if (nested === undefined) return namespace;
  const isNamespace = (one) => one.nested !== undefined && one.fields === undefined;
  const kept = Object.entries(nested).map(([name, one]) => [name, isNamespace(one) ? withoutFileOptions(one) : one]);
  return { ...namespace, nested: Object.fromEntries(kept) };
}

/** Every file as a descriptor, to the byte as protoc makes it. */
function writeDescriptors() {
  const scratch = mkdtempSync(join(tmpdir(), "toolgate-descriptors-"));
  try {
    const binary = join(scratch, "set.binpb");
    const json = join(scratch, "set.json");
    for (const target of [binary, json]) {
      run("buf", ["build", PROTO, "--as-file-descriptor-set", "--exclude-source-info", "-o", target]);
    }
    const { file: described } = JSON.parse(readFileSync(json, "utf8"));
    const encoded = [...entries(readFileSync(binary))];
    const files = described.map((file, index) => ({
      name: file.name,
      imports: file.dependency ?? [],
      symbols: [...symbolsOf(file)],
      base64: encoded[index].toString("base64"),
    }));
    write(
      "descriptors",
      'import type { DescribedFile } from "../described-file.js";\n\n' +
        "/** All files of the contract, and those that they import, imports first. */\n" +
        `export const DESCRIBED_FILES: readonly DescribedFile[] = ${JSON.stringify(files, null, 1)};\n`,
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The full names of all that a file declares. */
function* symbolsOf(file) {
  const scope = (parent, name) => (parent === "" ? name : `${parent}.${name}`);
  const within = file.package ?? "";
  for (const message of file.messageType ?? []) yield* messageSymbols(within, message);
  for (const one of file.enumType ?? []) yield* enumSymbols(within, one);
  for (const service of file.service ?? []) {
    const name = scope(within, service.name);
    yield name;
    for (const method of service.method ?? []) yield scope(name, method.name);
  }

  function* messageSymbols(parent, message) {
    const name = scope(parent, message.name);
    yield name;
    for (const field of [...(message.field ?? []), ...(message.oneofDecl ?? [])]) yield scope(name, field.name);
    for (const nested of message.nestedType ?? []) yield* messageSymbols(name, nested);
    for (const one of message.enumType ?? []) yield* enumSymbols(name, one);
  }

  // A value's name stands beside its enum's, not within it.
  function* enumSymbols(parent, one) {
    yield scope(parent, one.name);
    for (const value of one.value) yield scope(parent, value.name);
  }
}

/** The elements of a FileDescriptorSet, which is nothing but one repeated field of messages. */
function* entries(set) {
  for (let at = 0; at < set.length; ) {
    at += 1; // the tag
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = set[at++];
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    yield set.subarray(at, at + length);
    at += length;
  }
}

function write(module, text) {
  writeFileSync(join(folder, `${module}.ts`), `// Made by \`npm run generate\` from the files in proto.\n${text}`);
}

function run(program, args) {
  execFileSync(join(BIN, program), args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
}
