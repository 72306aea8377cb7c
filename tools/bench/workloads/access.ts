import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { makeSecretToken } from "../../../src/access/credentials/secret-token.js";
import type { ApplyDocumentsResponse__Output } from "../../../src/protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import type { CreateKeyResponse__Output } from "../../../src/protocol/generated/toolgate/v1/CreateKeyResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { callMetadata } from "../callers/client.js";
import { paired, ratio, type Target } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Actor, Gateway, Stage } from "../stage.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/**
 * The same calls on a node that asks nobody who he is, and on nodes that do: one as it is, one that has limits besides, and one that
 * records every call and its end. The audit of the others has changes, logins and refusals.
 */
const MODES = ["open", "authenticated", "limited", "audited"] as const;
type Mode = (typeof MODES)[number];

const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

const KEPT: Target = { better: "higher", least: 0.97, aim: 0.99 };

/** Limits that apply to every call and never refuse one. */
const LIMITS = ["caller", "tenant", "tool"].map((per) => ({ per, rate: { calls: 1_000_000, perMs: 1_000 } }));

/** What it costs that callers prove who they are, that what they do is limited, and that it is recorded. */
export const ACCESS: Workload = {
  name: "access",
  description: "authentication against none; limits, and the audit of all calls, against that",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const clusters = await Promise.all(MODES.map(async (mode) => ({ mode, ...(await cluster(stage, mode)) })));
    for (const inFlight of context.quick ? [64] : [1, 64, 256]) {
      const contenders: Contender[] = WAYS.flatMap(({ how, label }) =>
        clusters.map(({ mode, key, ...own }) => {
          const call = { payload: payloadOf(64), ...(key === undefined ? {} : { key }) };
          return toolgateContender(`${label} ${mode}`, how, { stage, ...own }, call);
        }),
      );
      const say = ({ name }: Contender) => context.progress(`${name}, ${inFlight} in flight`);
      const found = await interleave(stage, agent, contenders, inFlight, context.effort, say);
      for (const [contender, measurements] of found)
        context.detail({ work: "access", contender, inFlight, payloadBytes: 64, measurements });
      const of = (label: string, mode: Mode, pick: (one: Measurement) => number): number[] =>
        (found.get(`${label} ${mode}`) ?? []).map(pick);
      for (const { label } of WAYS) {
        for (const [mode, against, what, target] of [
          ["authenticated", "open", "with authentication against without", KEPT],
          ["limited", "authenticated", "with three rates besides against without", KEPT],
          ["audited", "authenticated", "with all calls in the audit against without", undefined],
        ] as const) {
          const add = (id: string, name: string, pick: (one: Measurement) => number, target?: Target): void =>
            context.figure({
              id: `access/${id}@${inFlight}`,
              what: `${label} ${what}, ${name}, ${inFlight} in flight`,
              unit: "×",
              values: paired(of(label, mode, pick), of(label, against, pick), ratio),
              ...(target === undefined ? {} : { target }),
            });
          const id = `${mode}-${label.toLowerCase()}`;
          add(id, "calls/s", (one) => one.perSecond, target);
          add(`${id}-node`, "CPU of the node per call", (one) => one.cpuPerCall.gateway ?? Number.NaN);
          add(`${id}-redis`, "CPU of Redis per call", (one) => one.cpuPerCall.redis ?? Number.NaN);
        }
      }
    }
  },
};

interface Cluster {
  readonly gateway: Gateway;
  readonly provider: Actor;
  /** The agent's credential. */
  readonly key: string | undefined;
}

async function cluster(stage: Stage, mode: Mode): Promise<Cluster> {
  if (mode === "open") {
    const gateway = await stage.gateway({ registry: mode });
    return { gateway, provider: await stage.provider(gateway), key: undefined };
  }
  const bootstrap = makeSecretToken("key", randomBytes).text;
  const folder = mkdtempSync(join(tmpdir(), "toolgate-bench-key-"));
  let gateway: Gateway;
  try {
    const file = join(folder, "key");
    writeFileSync(file, bootstrap, { mode: 0o600 });
    const audit = mode === "audited" ? "calls" : "changes";
    const flags = ["--auth", "required", "--bootstrap-key-file", file, "--audit", audit];
    gateway = await stage.gateway({ registry: mode, flags });
  } finally {
    rmSync(folder, { recursive: true });
  }
  const administrator = new Administrator(gateway.address, bootstrap);
  try {
    const key = await administrator.createKey("agent");
    if (mode === "limited") await administrator.limit();
    // It also tries a call.
    const provider = await administrator.createKey("provider", "agent");
    return { gateway, provider: await stage.provider(gateway, { key: provider }), key };
  } finally {
    administrator.close();
  }
}

/** Gives out keys and sets limits, as a bare grpc-js client. */
class Administrator {
  readonly #access;
  readonly #documents;
  readonly #metadata;

  constructor(address: string, key: string) {
    const { Access, Documents } = loadProtocol();
    this.#access = new Access(address, credentials.createInsecure());
    this.#documents = new Documents(address, credentials.createInsecure());
    this.#metadata = callMetadata(key);
  }

  close(): void {
    this.#access.close();
    this.#documents.close();
  }

  /** A key for a principal of these roles, which is named after the first. */
  async createKey(...roles: readonly [string, ...string[]]): Promise<string> {
    const request = { principal: `bench-${roles[0]}`, roles: [...roles] };
    const { key } = await answer<CreateKeyResponse__Output>((callback) =>
      this.#access.createKey(request, this.#metadata, callback),
    );
    return key;
  }

  async limit(): Promise<void> {
    const changes = LIMITS.map((limit, index) => ({
      ref: { kind: "limit", name: `bench-${index}` },
      bodyJson: Buffer.from(JSON.stringify(limit)),
    }));
    await answer<ApplyDocumentsResponse__Output>((callback) =>
      this.#documents.applyDocuments({ changes }, this.#metadata, callback),
    );
  }
}

function answer<Answer>(
  send: (callback: (error: ServiceError | null, answer?: Answer) => void) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error("the node answered nothing"));
      else resolve(response);
    });
  });
}
