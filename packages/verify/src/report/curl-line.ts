import type { Outgoing } from '../wire/outgoing.ts'

/** One request as a line of a shell script; markers and keys of the run become those of the script. */
export function curlLine(
  { method, url, headers, body }: Pick<Outgoing, 'method' | 'url' | 'headers' | 'body'>,
  more: readonly string[],
): string {
  const parts = [
    'curl',
    '-sS',
    '-i',
    '-X',
    method,
    own(url),
    ...headers.flatMap(([name, value]) => ['-H', own(`${name}: ${value}`)]),
  ]
  if (body !== undefined) parts.push('--data-binary', own(body))
  return [...parts, ...more].join(' ')
}

/** The run's markers and keys begin with its prefix; the script puts its own there. */
function own(text: string): string {
  return quoted(text).replaceAll(/v[0-9a-z]{8,}-([km]\d+)/g, `'"$RUN"'-$1`)
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A service says what stands in a comment, and must not say what is run. */
export function comment(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they end a line
  return `# ${text.replaceAll(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')}`
}
