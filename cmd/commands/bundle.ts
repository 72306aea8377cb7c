import { Command } from "commander";
import { UsageError } from "../output/failure.js";

interface BundleFlags {
  readonly document?: readonly string[];
}

/** `toolgate bundle`: a schema made self-contained, for providers in languages whose client does not do it. */
export function bundleCommand(): Command {
  return new Command("bundle")
    .description(
      "Makes a JSON Schema that refers to other documents self-contained, and writes it to stdout: gateways follow no " +
        "reference out of a schema. What is referred to becomes a definition. Only files that are named are read, and " +
        "nothing is fetched.",
    )
    .argument("<file>", "the schema")
    .option(
      "--document <[address=]file...>",
      "A document that it refers to, known by its path, by its $id, and by the address before the file.",
    )
    .addHelpText(
      "after",
      `
Relative references count from the $id of the document that they are in, or
from its path.

Examples:
  toolgate bundle order.json --document parts/*.json
  toolgate bundle order.json --document https://example.com/a=address.json`,
    )
    .action(async (file: string, { document = [] }: BundleFlags) => {
      const { readSchemaDocuments, readSchemaFile } = await import("./schema-documents.js");
      const { bundle } = await import("../../src/sdk/schema-bundle.js");
      const { uri, schema } = await readSchemaFile(file);
      const bundling = bundle(schema, await readSchemaDocuments(document), uri);
      switch (bundling.kind) {
        case "bundled":
          process.stdout.write(`${JSON.stringify(bundling.schema, null, 2)}\n`);
          break;
        case "missing":
          throw new UsageError(
            `No document has the address ${bundling.uri}.`,
            "Name its file by --document, with the address and = before it where it is known by neither path nor $id.",
          );
        case "impossible":
          throw new UsageError(
            `The schema cannot be bundled: ${bundling.why}.`,
            "Correct the schema or its documents.",
          );
        default:
          bundling satisfies never;
      }
    });
}
