import { Command } from "commander";
import { environment } from "../../src/config/environment.js";
import { allowListFault } from "../../src/egress/allow-list-fault.js";
import type { HttpToolset } from "../../src/hosting/http/http-toolset.js";
import type { HttpMount } from "../../src/hosting/http/mount-http.js";
import type { HttpDocumentOptions, MountHttpOptions } from "../../src/hosting/http/mount-http-options.js";
import { UsageError } from "../output/failure.js";
import type { Output } from "../output/output.js";
import type { Column } from "../output/table.js";
import { terminalLog } from "../output/terminal-log.js";
import { oneLine } from "../output/text-width.js";
import { concludeMount, counted, leftOut } from "./mount-outcome.js";
import { integer, words } from "./option-values.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface MountHttpFlags {
  readonly name?: string;
  readonly server?: string;
  readonly auth?: readonly string[];
  readonly header?: readonly string[];
  readonly allowPrivate?: readonly string[];
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly idempotent?: readonly string[];
  readonly once?: readonly string[];
  /** commander's name of --no-result-schemas. */
  readonly resultSchemas: boolean;
  readonly version?: string;
  readonly versionFromContract?: boolean;
  readonly title?: string;
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly maxInFlight?: number;
  readonly replace?: boolean;
  readonly providerId?: string;
  readonly dryRun?: boolean;
}

const COLUMNS: readonly Column[] = [
  { header: "TOOL" },
  { header: "REQUEST", flexible: true },
  { header: "DELIVERY" },
  { header: "AUTH" },
  { header: "DESCRIPTION", flexible: true },
];

/** `toolgate mount-http`: the operations of an HTTP server as a toolset. */
export function mountHttpCommand(): Command {
  return withClientOptions(
    new Command("mount-http")
      .description(
        "Registers the operations of an OpenAPI document (3.0 or 3.1) as a toolset, and serves their calls by HTTP requests, until " +
          "Ctrl-C. A document that changes is registered again. The result of a tool is the answer's JSON as it was written.",
      )
      .argument("<document>", "the OpenAPI document, in JSON or YAML: a file, or an https URL")
      .option("--name <name>", "The toolset's name; only --dry-run does without.")
      .option("--server <url>", "Where requests go; the document's first server when absent.")
      .option(
        "--auth <scheme=secret>",
        "The secret of a security scheme of the document, as env:NAME or file:path: a key, a token or user:password. Repeat it.",
        collect,
      )
      .option(
        "--header <name=secret>",
        "A header that every request carries, its value as env:NAME or file:path. Repeat it.",
        collect,
      )
      .option(
        "--allow-private <hosts>",
        "Hosts, addresses, host:port or CIDRs that may be private and speak plain HTTP, separated by commas; also TOOLGATE_EGRESS_ALLOW.",
        words,
      )
      .option("--only <operations>", "Only these operations, separated by commas.", words)
      .option("--skip <operations>", "Not these operations, separated by commas.", words)
      .option("--idempotent <operations>", "May be run again, besides GET, HEAD, OPTIONS, PUT and DELETE.", words)
      .option("--once <operations>", "May not be run again, whatever their method says.", words)
      .option("--no-result-schemas", "Leave them out: for servers that do not keep to their document.")
      .option("--version <semver>", "The toolset's version; the document's own when absent.")
      .option(
        "--version-from-contract",
        "A version that follows from the operations, for documents whose own never moves.",
      )
      .option("--title <text>", "The toolset's title; the document's own when absent.")
      .option("--description <text>", "What the toolset is for; the document's own when absent.")
      .option("--tag <tag>", "A tag of the toolset; repeat it for several.", words)
      .option("--max-in-flight <n>", "The most calls at once.", integer(1, 10_000))
      .option("--replace", "Register also when another contract of the same or a higher version is there.")
      .option("--provider-id <id>", "A stable name of this provider; random when absent.")
      .option("--dry-run", "Show the tools, and what is left out and why. Nothing is registered."),
  )
    .addHelpText(
      "after",
      `
Operations are named by their tools, as "METHOD /path", or as "tag:name"; *
stands for anything but a slash, and alone for everything.

Operations that make no tool are left out and named; the rest is served.
Credentials go to the server's origin alone.

Examples:
  toolgate mount-http openapi.yaml --dry-run
  toolgate mount-http openapi.yaml --name shop \\
    --server https://api.example.com/v1 --auth apiKey=env:SHOP_KEY
  toolgate mount-http openapi.yaml --name shop --only "GET *","tag:orders" \\
    --header X-Api-Key=file:/run/secrets/shop
  toolgate mount-http openapi.yaml --name local \\
    --server http://127.0.0.1:8080 --allow-private 127.0.0.1:8080`,
    )
    .action(async (document: string, flags: MountHttpFlags, command: Command) => {
      await inSession(command, async ({ output, signal }) => {
        const options = await documentOptions(document, flags);
        const { mountHttp, planHttpMount } = await import("../../src/hosting/http/mount-http.js");
        if (flags.dryRun === true) {
          showPlan(output, await output.withProgress(`Reading ${document}`, () => planHttpMount(options)));
          return;
        }
        const mounted = await mountOptions(options, flags, command, output, signal);
        const mount = await output.withProgress(`Mounting ${document}`, () => mountHttp(mounted));
        announce(output, mount);
        signal.addEventListener(
          "abort",
          () => output.note("Stopping: calls in hand may end first; Ctrl-C again leaves at once."),
          { once: true },
        );
        concludeMount(output, mount.name, await mount.closed);
      });
    });
}

async function documentOptions(document: string, flags: MountHttpFlags): Promise<HttpDocumentOptions> {
  const env = environment();
  const { server, auth, header, allowPrivate = [], only, skip, idempotent, once, resultSchemas } = flags;
  const allowed = [env.TOOLGATE_EGRESS_ALLOW ?? "", ...allowPrivate].filter((entry) => entry !== "").join(",");
  const fault = allowListFault(allowed);
  if (fault !== undefined) {
    throw new UsageError(`What may be private ${fault}.`, "Look at --allow-private and TOOLGATE_EGRESS_ALLOW.");
  }
  const { allowList } = await import("../../src/egress/allow-list.js"); // by what runs, not by what shows its help
  return {
    document,
    env,
    egress: { allow: allowList(allowed), allowedBy: "--allow-private" },
    ...(server === undefined ? {} : { server }),
    ...(auth === undefined ? {} : { auth: references("--auth", auth) }),
    ...(header === undefined ? {} : { headers: references("--header", header) }),
    ...(only === undefined ? {} : { only }),
    ...(skip === undefined ? {} : { skip }),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(once === undefined ? {} : { once }),
    ...(resultSchemas ? {} : { withoutResultSchemas: true }),
  };
}

async function mountOptions(
  document: HttpDocumentOptions,
  flags: MountHttpFlags,
  command: Command,
  output: Output,
  signal: AbortSignal,
): Promise<MountHttpOptions> {
  const { name, version, versionFromContract, title, description, tag, maxInFlight, replace, providerId } = flags;
  if (name === undefined) throw new UsageError("--name is absent.", "Name the toolset, or look first with --dry-run.");
  const { nodes, options: target } = await readClientConfig(command);
  return {
    ...document,
    name,
    nodes,
    log: terminalLog(output),
    signal,
    ...target,
    ...(version === undefined ? {} : { version }),
    ...(versionFromContract === undefined ? {} : { versionFromContract }),
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(replace === undefined ? {} : { replace }),
    ...(providerId === undefined ? {} : { providerId }),
  };
}

function showPlan(output: Output, toolset: HttpToolset): void {
  const { target, version, title, tools, skipped } = toolset;
  const server = target.origin + target.basePath;
  if (output.json) {
    output.jsonData({
      server,
      version,
      title,
      tools: tools.map(({ name, plan, idempotent, schemes, description, payload, result }) => {
        const delivery = idempotent ? "idempotent" : "once";
        return { name, method: plan.method, path: plan.path, delivery, auth: schemes, description, payload, result };
      }),
      skipped,
    });
    return;
  }
  for (const { name, part, why } of skipped) {
    const what = part === "tool" ? name : `the result schema of ${name}`;
    output.note(`${output.paintNotes.warn("left out:")} ${oneLine(what)}: ${oneLine(why)}`);
  }
  output.table(
    COLUMNS,
    tools.map(({ name, plan, idempotent, schemes, description }) => [
      name,
      `${plan.method} ${plan.path}`,
      idempotent ? "idempotent" : "once",
      schemes.join(", "),
      description,
    ]),
  );
  output.note(
    `${counted(tools.length, "tool")} of ${oneLine(title ?? "the document")}, version ${version}, at ${server}.`,
  );
}

function announce(output: Output, { name, server, registration }: HttpMount): void {
  if (registration === undefined) return;
  const { version, epoch, digest, tools, skipped } = registration;
  if (output.json) {
    output.jsonData({ event: "mounted", toolset: name, version, epoch, digest, server, tools, skipped });
    return;
  }
  const what = `${counted(tools.length, "tool")}${leftOut(skipped)}`;
  output.text(`${name} ${version} is mounted at epoch ${epoch}: ${what}, at ${server}. Ctrl-C ends it.`);
}

/** `name=secret` by the names. The secret may hold an equals sign, a name of a scheme or of a header none. */
function references(option: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((word): [string, string] => {
      const [, name, reference] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
      if (name === undefined || reference === undefined) {
        throw new UsageError(
          `${option} takes a name and a secret, such as apiKey=env:SHOP_KEY.`,
          "Look at toolgate mount-http --help.",
        );
      }
      return [name, reference];
    }),
  );
}

/** One value per use, commas and all. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
