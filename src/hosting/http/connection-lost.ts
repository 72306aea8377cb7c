/** Thrown where a connection ends before the answer does, with what is known of why. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}
