import type { SourceLocation } from '../../model/location.ts'

/** Where a character of a text stands. */
export function placeIn(file: string, text: string, index: number): SourceLocation {
  const before = text.slice(0, index).split('\n')
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, pointer: '' }
}
