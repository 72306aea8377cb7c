import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { drive, type LoadReport } from "./drive.js";
import { NOUNS, VERBS } from "./register-toolsets.js";

/** Searches, one after the other: words, beginnings of words, slips. */
export interface SearchCommand {
  readonly kind: "search";
  readonly address: string;
  readonly queries: number;
}

export async function search({ address, queries }: SearchCommand): Promise<LoadReport> {
  const { Catalog } = loadProtocol();
  const client = new Catalog(address, credentials.createInsecure());
  let count = 0;
  try {
    return await drive(
      {
        call(onEnd) {
          client.Search({ query: queryOf(count++), pageSize: 20 }, (error) => onEnd(error ?? undefined));
        },
      },
      { inFlight: 1, leadMs: 0, windowMs: 60_000, maxCalls: queries },
    );
  } finally {
    client.close();
  }
}

function queryOf(count: number): string {
  const verb = VERBS[count % VERBS.length] ?? "";
  const noun = NOUNS[Math.floor(count / VERBS.length) % NOUNS.length] ?? "";
  switch (count % 4) {
    case 0:
      return `${verb} ${noun}`;
    case 1:
      return `${verb} a ${noun.slice(0, 4)}`;
    case 2:
      return `${noun.slice(0, 2)}${noun.slice(3)}`; // a letter is missing
    default:
      return `${verb} ${noun} system ${count}`;
  }
}
