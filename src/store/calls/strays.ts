/**
 * A member of `due` that no call has, due never: some call's record was lost or damaged, so its entry may stand in a waiting line for
 * ever, where it counts as backlog. Which one it is, the record would have said: so all lines are looked through, as when deadlines
 * are restored, and entries without a record go.
 */
export const STRAYS = "!";
