import { Secrets, variableOf, variablesIn } from '../history/secrets.ts'
import type { HeaderList, Outgoing } from '../wire/outgoing.ts'

/** One request as a line of a shell script; markers and keys of the run become those of the script. */
export function curlLine(
  { method, url, headers, body }: Pick<Outgoing, 'method' | 'url' | 'headers' | 'body'>,
  more: readonly string[],
): string {
  const parts = [
    'curl',
    '-sS',
    '-i',
    // Brackets and braces of a URL are meant as they are.
    '-g',
    '-X',
    method,
    own(url),
    ...headers.flatMap(([name, value]) => ['-H', header(name, value)]),
  ]
  // Raw: a body that begins with @ is no file.
  if (body !== undefined) parts.push('--data-raw', own(body))
  return [...parts, ...more].join(' ')
}

/** What is masked is an environment variable of the script. */
function header(name: string, value: string): string {
  const variable = variableOf(value)
  return variable === undefined ? own(`${name}: ${value}`) : `${quoted(`${name}: `)}"$${variable}"`
}

/** Masks what an older history still has in plain. */
export function withoutSecrets<T extends Sent>(requests: readonly T[]): T[] {
  const secrets = new Secrets()
  return requests.map((request) => ({
    ...request,
    headers: secrets.mask(request.headers),
    ...(request.url !== undefined && { url: secrets.maskUrl(request.url, [request.key, request.marker]) }),
  }))
}

interface Sent {
  readonly headers: HeaderList
  readonly url?: string
  readonly key?: string
  readonly marker?: string
}

/** The lines that ask for what these requests need, to stand before them. */
export function credentialLines(requests: readonly Sent[]): string[] {
  const needed = new Map<string, string>()
  for (const variable of requests.flatMap(({ url = '' }) => variablesIn(url)))
    needed.set(variable, 'in the query of the URL')
  for (const [name, value] of requests.flatMap(({ headers }) => headers)) {
    const variable = variableOf(value)
    if (variable !== undefined) needed.set(variable, `of the header ${name}`)
  }
  if (needed.size === 0) return []
  return [
    '# Credentials are not kept. Set them before, as --caller and --tenant gave them in the run:',
    ...[...needed].map(([variable, name]) => comment(`  export ${variable}='…'   # the value ${name}`)),
    ...[...needed.keys()].map((variable) => `: "\${${variable}:?set it first, see above}"`),
  ]
}

/** The run's markers and keys begin with its prefix; the script puts its own there. What is masked comes from outside. */
export function own(text: string): string {
  return quoted(text)
    .replaceAll(/v[0-9a-z]{8,}-([km]\d+)/g, `'"$RUN"'-$1`)
    .replaceAll(/\{\{(QUERY_[A-Z0-9_]*)\}\}/g, `'"$$$1"'`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A service says what stands in a comment, and must not say what is run. */
export function comment(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they end a line
  return `# ${text.replaceAll(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')}`
}
