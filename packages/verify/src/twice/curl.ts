/** Reads a pasted curl line, already split into words by the shell. */
import { readFile } from 'node:fs/promises'
import { headerOf, type Outgoing } from '../wire/outgoing.ts'

/** What the line asks for cannot be sent as it is; `message` says what, `fix` what to do. */
export class RequestUnclear extends Error {
  override readonly name = 'RequestUnclear'
  readonly fix: string

  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

export interface CurlRequest extends Outgoing {
  /** `-k` was given */
  readonly insecure: boolean
}

/** Options that say how curl shows or transfers things; they do not change the request. */
const ignored = new Set(
  '-s --silent -S --show-error -i --include -v --verbose -f --fail --compressed -N --no-buffer -g --globoff -# --progress-bar --http1.1 --http2 --fail-with-body --no-progress-meter --ssl-no-revoke --tcp-nodelay -4 -6 --ipv4 --ipv6'.split(
    ' ',
  ),
)
const ignoredWithValue = new Set(
  '-o --output -w --write-out -m --max-time --connect-timeout --retry --retry-delay --retry-max-time -D --dump-header --noproxy'.split(
    ' ',
  ),
)
const withValue: Record<string, string> = {
  '-X': 'request',
  '--request': 'request',
  '-H': 'header',
  '--header': 'header',
  '-d': 'data',
  '--data': 'data',
  '--data-ascii': 'data',
  '--data-binary': 'data-binary',
  '--data-raw': 'data-raw',
  '--data-urlencode': 'data-urlencode',
  '--json': 'json',
  '-u': 'user',
  '--user': 'user',
  '-A': 'agent',
  '--user-agent': 'agent',
  '-b': 'cookie',
  '--cookie': 'cookie',
  '-e': 'referer',
  '--referer': 'referer',
  '--url': 'url',
}

/**
 * The request that `curl …` would send. `words` may begin with `curl`.
 * Throws `RequestUnclear` for options that change the request and are not known here: a guess would test another one.
 */
export async function readCurl(words: readonly string[]): Promise<CurlRequest> {
  if (words.length === 1 && /^\s*curl(\.exe)?\s/.test(words[0]!)) {
    throw new RequestUnclear(
      'the whole line is one word, because of the quotes around it',
      'take them away: spandrel twice -- curl -X POST http://127.0.0.1:3000/orders …',
    )
  }
  const parts = words[0] !== undefined && /(^|\/)curl(\.exe)?$/.test(words[0]) ? words.slice(1) : [...words]
  const headers: [string, string][] = []
  /** of `-H 'Name:'`, which says that curl shall not send its own; lower case */
  const removed = new Set<string>()
  const data: string[] = []
  const defaults: [string, string][] = []
  let method: string | undefined
  let url: string | undefined
  let asQuery = false
  let insecure = false
  const take = async (name: string, value: string): Promise<void> => {
    if (name === 'request') method = value.toUpperCase()
    else if (name === 'header') {
      const [, without] = /^([^:\s]+)\s*:\s*$/.exec(value) ?? []
      const [, empty] = /^([^:;\s]+);\s*$/.exec(value) ?? []
      if (without !== undefined) removed.add(without.toLowerCase())
      else headers.push(empty === undefined ? headerLine(value) : [empty, ''])
    } else if (name === 'user') headers.push(['Authorization', `Basic ${Buffer.from(value).toString('base64')}`])
    else if (name === 'agent') headers.push(['User-Agent', value])
    else if (name === 'referer') headers.push(['Referer', value])
    else if (name === 'cookie') headers.push(['Cookie', cookie(value)])
    else if (name === 'url') url = once(url, value)
    else {
      data.push(await dataOf(name, value))
      if (name === 'json') defaults.push(['Content-Type', 'application/json'], ['Accept', 'application/json'])
      else defaults.push(['Content-Type', 'application/x-www-form-urlencoded'])
    }
  }
  for (let at = 0; at < parts.length; at++) {
    parts.splice(at, 1, ...apart(parts[at]!))
    const word = parts[at]!
    unspoilt(word)
    const [long, inline] = /^(--[a-z0-9.-]+)=(.*)$/s.exec(word)?.slice(1) ?? []
    const attached = /^-([XHduAbe])(.+)$/s.exec(word)
    const name = long ?? (attached ? `-${attached[1]}` : word)
    if (withValue[name] !== undefined) {
      const value = inline ?? attached?.[2] ?? parts[++at]
      if (value === undefined) throw new RequestUnclear(`${name} has no value`, `write what belongs behind ${name}`)
      await take(withValue[name], value)
    } else if (ignoredWithValue.has(name)) {
      if (inline === undefined) at++
    } else if (name === '-k' || name === '--insecure') insecure = true
    else if (name === '-G' || name === '--get') asQuery = true
    else if (name === '-I' || name === '--head') method ??= 'HEAD'
    else if (name === '-L' || name === '--location' || ignored.has(name) || /^-[sSivfkLNg#46]{2,}$/.test(name)) {
      insecure ||= /^-[a-zA-Z]*k/.test(name) && !name.startsWith('--')
    } else if (name.startsWith('-')) {
      throw new RequestUnclear(
        `${name} of curl is not understood here`,
        'leave it out, or describe the request with --url, --method, --header and --data',
      )
    } else if (/^\^|\^$/.test(word)) {
      throw new RequestUnclear(
        'there are carets (^) in that line: it was copied for the command line of Windows',
        'copy it again for this shell: in a browser, `Copy as cURL (bash)`',
      )
    } else url = once(url, word)
  }
  if (url === undefined)
    throw new RequestUnclear(
      'there is no URL in that line',
      'spandrel twice -- curl -X POST http://127.0.0.1:3000/orders …',
    )
  const body = data.length === 0 ? undefined : data.join('&')
  const { address, credentials } = withoutUser(absolute(url))
  if (credentials !== undefined && headerOf(headers, 'authorization') === undefined)
    headers.push(['Authorization', credentials])
  if (asQuery && body !== undefined) {
    const query = new URL(address)
    query.search = [query.search.slice(1), body].filter((part) => part !== '').join('&')
    return { method: method ?? 'GET', url: query.href, headers, insecure }
  }
  for (const [name, value] of defaults)
    if (headerOf(headers, name) === undefined && !removed.has(name.toLowerCase())) headers.push([name, value])
  // What curl itself would add, for servers that look at them.
  if (headerOf(headers, 'accept') === undefined && !removed.has('accept')) headers.push(['Accept', '*/*'])
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    url: address,
    headers,
    insecure,
    ...(body !== undefined && { body }),
  }
}

/** `-sX` is `-s -X`. */
function apart(word: string): string[] {
  const [, flags, last] = /^-([sSivfkLNg#46]+)([XHduAbe].*)$/s.exec(word) ?? []
  return flags === undefined ? [word] : [`-${flags}`, `-${last}`]
}

/** What a copy spoils most. */
function unspoilt(word: string): void {
  if (word.trim() === '' && word !== '')
    throw new RequestUnclear(
      'a word of that line is nothing but a blank',
      'take away the blanks behind each `\\` at the end of a line: it must be the last character there',
    )
  if (/^[‘’“”]/.test(word))
    throw new RequestUnclear(
      `${word} begins with a quote of printed text`,
      `write ' or " instead: a chat or a word processor has changed them`,
    )
}

export function headerLine(text: string): [string, string] {
  const at = text.indexOf(':')
  if (at <= 0) throw new RequestUnclear(`\`${text}\` is no header`, "write it as 'Name: value'")
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** As curl does: no scheme means http. */
export function absolute(url: string): string {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`
  if (!URL.canParse(full)) throw new RequestUnclear(`${url} is no URL`, 'write it as http://127.0.0.1:3000/orders')
  const { protocol } = new URL(full)
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new RequestUnclear(`${protocol}// is not HTTP`, 'give an http:// or https:// URL')
  return new URL(full).href
}

/** As curl does: a user in the URL is a header. */
function withoutUser(address: string): { address: string; credentials?: string } {
  const url = new URL(address)
  const { username, password } = url
  if (username === '' && password === '') return { address }
  url.username = url.password = ''
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { address: url.href, credentials: `Basic ${Buffer.from(plain).toString('base64')}` }
}

function once(before: string | undefined, now: string): string {
  if (before === undefined) return now
  throw new RequestUnclear(
    `there are two URLs in that line: ${before} and ${now}`,
    'give one; quote what belongs together',
  )
}

function cookie(value: string): string {
  if (value.includes('=')) return value
  throw new RequestUnclear(`cookies of the file ${value} are not read`, "write them out: -b 'name=value'")
}

async function dataOf(name: string, value: string): Promise<string> {
  if (name === 'data-raw') return value
  if (name === 'data-urlencode') {
    const at = value.indexOf('=')
    if (at > 0) return `${value.slice(0, at)}=${encodeURIComponent(value.slice(at + 1))}`
    if (value.includes('@')) throw new RequestUnclear('--data-urlencode with a file is not read', 'write the value out')
    return encodeURIComponent(value.replace(/^=/, ''))
  }
  if (!value.startsWith('@')) return value
  if (value === '@-') throw new RequestUnclear('data from standard input is not read', 'write it out, or name a file')
  const text = await readFile(value.slice(1), 'utf8').catch(() => {
    throw new RequestUnclear(
      `the file ${value.slice(1)} cannot be read`,
      'name a file that exists, or write the data out',
    )
  })
  // curl strips line breaks of a file given to -d, and only there.
  return name === 'data' ? text.replaceAll(/[\r\n]/g, '') : text
}
