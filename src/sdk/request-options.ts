/** What a request that only asks can be given. */
export interface RequestOptions {
  /** Gives the request up; it rejects at once with the signal's reason. */
  readonly signal?: AbortSignal;
}
