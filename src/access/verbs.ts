/**
 * What a principal may be allowed to do. A tool that may be called may be seen; what may not be seen answers as if it were not there.
 *
 *   discover    see a toolset and its tools
 *   call        call a tool
 *   follow      read other principals' calls: their state, output and ends
 *   cancel      cancel other principals' calls
 *   register    serve a toolset, with all that a provider does
 *   operate     unregister, promote, dead calls, hosted servers
 *   approve     decide on calls that wait for a person
 *   audit       read the audit
 *   administer  change documents, keys and passwords
 */
export const VERBS = [
  "discover",
  "call",
  "follow",
  "cancel",
  "register",
  "operate",
  "approve",
  "audit",
  "administer",
] as const;

export type Verb = (typeof VERBS)[number];
