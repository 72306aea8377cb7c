import type { InvokeResponse__Output } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { callIdFor } from "../call-ids.js";
import { TOOLS } from "../call-plan.js";
import { answerOf } from "../gateway-client.js";
import type { Delivery } from "../history.js";
import { readLedgers } from "../ledger.js";
import { countFigure, type Figure } from "./figure.js";
import { work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";

const TOOLSET = "orders";
/** A run outlasts the submits, or is over before most of them, in turn; in milliseconds. */
const WORK_MS = [300, 0] as const;

/** One call is submitted many times at once, over all nodes. */
export async function sameId(scene: Scene): Promise<Figure[]> {
  const submits = scene.quick ? 30 : 200;
  const rounds = scene.quick ? 2 : 10;
  return await withCluster(scene, { toolsets: { [TOOLSET]: 2 } }, async ({ gateways, ledgerFolder }) => {
    const against: string[] = [];
    const clients = gateways.map(({ client }) => client.gateway);
    for (let round = 1; round <= rounds; round++) {
      const delivery: Delivery = round % 4 < 2 ? "once" : "idempotent";
      const runId = `same-id-${round}`;
      const call = {
        toolset: TOOLSET,
        tool: TOOLS[delivery],
        payloadJson: Buffer.from(JSON.stringify(work(WORK_MS[round % 2] ?? 0))),
        meta: { runId, toolCallId: "1" },
      };
      const answers = await Promise.all(
        Array.from({ length: submits }, async (_, n) => {
          const client = clients[n % clients.length];
          const { terminal } = await answerOf<InvokeResponse__Output>((callback) =>
            client?.invoke({ call }, { deadline: Date.now() + 30_000 }, callback),
          );
          return JSON.stringify(terminal);
        }),
      ).catch((error: unknown) => [`round ${round}: ${String(error)}`]);
      const runs = readLedgers(ledgerFolder).filter(
        (line) => line.phase === "start" && line.call === callIdFor(TOOLSET, runId, "1"),
      ).length;
      const different = new Set(answers);
      const [answer = ""] = different;
      if (runs !== 1) against.push(`round ${round}: ${runs} runs`);
      if (different.size !== 1 || answers.length !== submits || !answer.includes("TERMINAL_KIND_RESULT")) {
        against.push(`round ${round}: ${answers.length} answers, ${different.size} of them different: ${answer}`);
      }
    }
    return [
      countFigure({
        what: "200 simultaneous submits of one call id over three nodes",
        target: "1 execution, 200 equal answers",
        measured: against.length === 0 ? `1 execution, ${submits} equal answers, each time` : (against[0] ?? ""),
        counted: `${rounds} calls × ${submits} submits`,
        against,
      }),
    ];
  });
}
