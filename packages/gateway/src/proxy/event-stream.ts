/**
 * Does a stream of events (`text/event-stream`) stand between two events after this part of it? An event ends with an
 * empty line, and a line with LF, CR or both. Where the empty line came in two parts, no: one of the next will do.
 */
export function endsEvent(part: Buffer): boolean {
  const [before, last] = [part.at(-2), part.at(-1)]
  if (last === 10 && before === 13) return part.at(-3) === 10 && part.at(-4) === 13
  return last === before && (last === 10 || last === 13)
}
