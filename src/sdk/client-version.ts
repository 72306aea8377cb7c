import { VERSION } from "../version.js";

/** What this SDK announces of itself to nodes, as the user agent of each request and in a provider's hello. */
export const CLIENT_VERSION = `toolgate-sdk/${VERSION}`;
