import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { drive, type LoadReport } from "./drive.js";

/** Lists the catalogue page by page, again and again. */
export interface ListCommand {
  readonly kind: "list";
  readonly address: string;
  readonly pages: number;
  readonly pageSize: number;
}

/** How long one page takes. */
export async function list({ address, pages, pageSize }: ListCommand): Promise<LoadReport> {
  const { Catalog } = loadProtocol();
  const client = new Catalog(address, credentials.createInsecure());
  let pageToken = "";
  try {
    return await drive(
      {
        call(onEnd) {
          client.ListToolsets({ pageSize, pageToken }, (error, page) => {
            pageToken = page?.nextPageToken ?? "";
            onEnd(error ?? undefined);
          });
        },
      },
      { inFlight: 1, leadMs: 0, windowMs: 60_000, maxCalls: pages },
    );
  } finally {
    client.close();
  }
}
