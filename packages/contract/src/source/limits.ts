/** Deeper nesting is no contract; it would only overflow somebody's stack. */
export const DEEPEST = 200

/** Nodes with every alias unfolded. A large real document (13 MB) has under a million. */
export const MOST_NODES = 3_000_000

/** Says so at a finding; thrown inside a parser, never out of it. */
export class Unreadable extends Error {}
