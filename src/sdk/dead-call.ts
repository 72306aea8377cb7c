/** An idempotent call that was given up after its last attempt. */
export interface DeadCall {
  /** Its place among the toolset's dead calls. */
  readonly id: string;
  /** The call; its own outcome can be read until it expires. */
  readonly callId: string;
  readonly toolset: string;
  readonly tool: string;
  readonly epoch: number;
  /** Why, as a word from the error table. */
  readonly reason: string;
  /** How often it was delivered. */
  readonly attempts: number;
  /** By Redis's clock. */
  readonly diedAt: Date;
  readonly payloadBytes: number;
}
