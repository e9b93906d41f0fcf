/** Values of a journal entry’s detail, which may be of any kind. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
