import { ToolgateError } from "../errors/toolgate-error.js";

/** `host:port`, `[v6]:port`, or a grpc-js target with a scheme, such as `dns:///gateway:7400`. */
const ADDRESS = /^(?:[a-z][a-z0-9+.-]*:\/{0,3})?(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/;

/** The nodes' addresses, each once, in the order given. */
export function parseAddresses(nodes: string | readonly string[]): readonly string[] {
  const parts = (typeof nodes === "string" ? nodes.split(",") : nodes).map((part) => part.trim());
  const addresses = [...new Set(parts.filter((part) => part !== ""))];
  if (addresses.length === 0) throw invalid("nodes is empty: name at least one node, as in 127.0.0.1:7400");
  for (const address of addresses) {
    const port = ADDRESS.exec(address)?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535 || /^https?:/.test(address)) {
      throw invalid(`${JSON.stringify(address)} is no node's address: write host:port, as in 127.0.0.1:7400`);
    }
  }
  return addresses;
}

function invalid(message: string): ToolgateError {
  return new ToolgateError("INVALID_REQUEST", message, { violations: [{ field: "nodes", description: "host:port" }] });
}
