/** HTTP where nothing is said: on this machine alone, or not at all where another process has the port. */
export const HTTP_AUTO = "auto";
/** No HTTP. */
export const HTTP_OFF = "off";
/** Where `auto` listens. */
export const HTTP_AUTO_ADDRESS = "127.0.0.1:7480";
