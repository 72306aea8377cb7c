/**
 * A member of `due` that no call has, due never: while it is there, so are the deadlines of all calls. Redis may lose the key,
 * and the next call makes it anew; without this one the others would not be looked at in time.
 */
export const DEADLINES_WHOLE = "-";
