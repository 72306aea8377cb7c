/** The reasons of calls that failed at an HTTP server, or on the way there; see docs/http-providers.md. */

/** The server answered with a status of 400 or more, or with a redirect that is not followed. */
export const HTTP_ERROR = "HTTP_ERROR";
/** Nothing was sent, since the server could not be reached. */
export const HTTP_UNREACHABLE = "HTTP_UNREACHABLE";
/** The connection ended after the request was sent, and before there was an answer. */
export const HTTP_CONNECTION_LOST = "HTTP_CONNECTION_LOST";
/** Nothing was sent, since the address may not be dialled. */
export const HTTP_REFUSED = "HTTP_REFUSED";
/** The answer cannot be used. */
export const HTTP_INVALID_ANSWER = "HTTP_INVALID_ANSWER";
/** Nothing was sent, since an argument has no form in HTTP. */
export const INVALID_ARGUMENT = "HTTP_INVALID_ARGUMENT";
/** Nothing was sent, since a credential cannot be had. */
export const HTTP_NO_CREDENTIAL = "HTTP_NO_CREDENTIAL";
