/** A report goes to more places than the file: `postgres://app:secret@host` → `postgres://…@host`. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@')
}
