/** A host and a port; an IPv6 host in brackets. As a JSON Schema pattern. */
export const ADDRESS_PATTERN =
  "^(\\[[0-9A-Fa-f:.]+\\]|[^\\s:/\\[\\],]+):([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$";

const ADDRESS = new RegExp(ADDRESS_PATTERN);

/** The parts of an address; undefined when it is none. IPv6 hosts come without brackets. */
export function splitAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = ADDRESS.exec(text) ?? [];
  if (host === undefined || port === undefined) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** A host and a port as one text; IPv6 hosts get their brackets. */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a host, without brackets, is this machine by any of its loopback addresses: what is sent there reaches no network. Names other than `localhost` are not looked up. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|(0{1,4}:){7}0{0,3}1|::ffff:127(\.\d{1,3}){3})$/i.test(host);
}
