/** The maker of a request: everything that is decided about a caller is decided about this. */
export interface Principal {
  /** The tenant that owns what the caller makes; call ids are derived within it. */
  readonly tenant: string;
  /** The caller itself. */
  readonly subject: string;
}

/** The owner of what a principal registers, as it stands in records. */
export function ownerName(principal: Principal): string {
  return `${principal.tenant}/${principal.subject}`;
}
