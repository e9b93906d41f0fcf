/**
 * Forty single faults that seeds chose, in each kind of document that the public corpus has none of: spandrel.yaml,
 * sidecars, Swagger 2.0, AsyncAPI 2; and in contracts with guarantees. Each is an error on its line.
 */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { checkDocuments, checkSystem, type Finding } from '../src/index.ts'
import { random } from './mutations.ts'

const shop = fileURLToPath(new URL('../../../examples/shop', import.meta.url))
const older = fileURLToPath(new URL('fixtures/older', import.meta.url))
const WANTED = 40

/** What is found in a line, and what it becomes: each leaves the line without its meaning. */
const faults: Readonly<Record<string, readonly [found: RegExp, becomes: (found: string) => string]>> = {
  'a key is misspelt': [
    /(?<=^\s*(?:- )?|[{,] ?)(?:services|contracts|owner|include|uses|style|defaults|workflows|coordination|listen|gateway|x-guarantees|x-probe|idempotency|key|scope|retention|timeout|retry|attempts|backoff|delay|deadLetter|onPoison|delivery|ordering|completion|within|settles|read|operation|info|paths|responses|parameters|schema|channels|payload|message|swagger|asyncapi|operationId|in|publish|subscribe|address|action)(?=:)/g,
    (key) => `${key.slice(0, 1)}x${key.slice(1)}`,
  ],
  'a value is none of those': [
    /(?<=(?:style|coordination|keys|backoff|onPoison|delivery|onOverlap|onMismatch|scope|replay|in|action|remembers): )[a-z-]+/g,
    () => 'elsewhere',
  ],
  'a duration is none': [/\bP(?:T?\d+(?:\.\d+)?[YMWDHS])+\b/g, (duration) => duration.replace(/[A-Z]$/, '')],
  'a file is not there': [
    /(?<=(?:contracts: \[|guarantees: |include:\n|  - |, ))[\w/.-]+\.(?:ya?ml|json)/g,
    (path) => `gone/${path}`,
  ],
  'an operation is not there': [
    /(?<=^\s*)(?:payments|cardnet|orders|inventory)\.[a-z]\w+(?=:)|^(?:[a-z]\w+)(?=:$)/g,
    (ref) => `${ref}Gone`,
  ],
  'an expression is none': [
    /\$(?:request|message|response)\.\w+/g,
    (expression) => expression.replace(/\w+$/, 'nowhere'),
  ],
  'a reference leads nowhere': [/(?<=\$ref: ')#\/[^']+/g, (pointer) => `${pointer}Gone`],
  'text stands where something else belongs': [
    /(?<=(?:x-guarantees|idempotency|retry|deadLetter|uses|services|info|paths|channels|attempts|partitions|in): )(?:\{[^{}]*\}|\[[^[\]]*\]|\d+)/g,
    () => "'text'",
  ],
}

interface Mutated {
  readonly text: string
  readonly line: number
  readonly what: string
}

function mutated(text: string, seed: number): Mutated | undefined {
  const next = random(seed)
  const names = Object.keys(faults)
  const what = names[seed % names.length] ?? ''
  const [pattern, becomes] = faults[what] ?? []
  if (pattern === undefined || becomes === undefined) return undefined
  const lines = text.split('\n')
  const places = lines.flatMap((line, index) =>
    /^\s*#/.test(line) || /(?:summary|description|title):/.test(line)
      ? []
      : [...line.matchAll(pattern)].map((match) => ({ index, from: match.index, found: match[0] })),
  )
  const place = places[Math.floor(next() * places.length)]
  if (place === undefined) return undefined
  const { index, from, found } = place
  const line = lines[index] ?? ''
  lines[index] = line.slice(0, from) + becomes(found) + line.slice(from + found.length)
  return { text: lines.join('\n'), line: index + 1, what: `${what}: ${lines[index].trim()}` }
}

const kinds: Readonly<Record<string, readonly string[]>> = {
  'spandrel.yaml': globSync('{.,*}/spandrel.yaml', { cwd: shop }).toSorted(),
  sidecars: globSync('*/contracts/*.guarantees.yaml', { cwd: shop }).toSorted(),
  'OpenAPI with guarantees': globSync('*/contracts/*.openapi.yaml', { cwd: shop }).toSorted(),
  'AsyncAPI with guarantees': globSync('*/contracts/*.asyncapi.yaml', { cwd: shop }).toSorted(),
  'Swagger 2.0 and AsyncAPI 2': ['pets.swagger.yaml', 'lights.asyncapi.yaml'],
}

test.each(Object.entries(kinds))(
  '%s: a single fault is an error on its line',
  { timeout: 120_000 },
  async (kind, files) => {
    const source = kind.startsWith('Swagger') ? older : shop
    const dir = mkdtempSync(join(tmpdir(), 'spandrel-forms-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    cpSync(source, dir, { recursive: true, filter: (from) => !/node_modules|\.spandrel\b|\.(?:ts|sql|md)$/.test(from) })
    const check = async (file: string): Promise<readonly Finding[]> =>
      (
        await (source === shop
          ? checkSystem(join(dir, 'spandrel.yaml'), { env: {} })
          : checkDocuments([file], { env: {} }))
      ).findings
    const missed: string[] = []
    const whats = new Set<string>()
    const made = new Set<string>()
    for (let seed = 1; made.size < WANTED && seed < 4000; seed++) {
      const file = join(dir, files[Math.floor(seed / 8) % files.length] ?? '')
      const text = readFileSync(file, 'utf8')
      const mutation = mutated(text, seed)
      if (mutation === undefined || made.has(`${file} ${mutation.text}`)) continue
      made.add(`${file} ${mutation.text}`)
      whats.add(mutation.what.split(':')[0] ?? '')
      writeFileSync(file, mutation.text)
      const findings = await check(file)
      writeFileSync(file, text)
      const errors = findings.filter(({ severity }) => severity === 'error')
      if (errors.some((one) => one.file === file && one.line === mutation.line)) continue
      const told = findings
        .filter(({ severity }) => severity !== 'info')
        .map(({ file: where, line, message }) => `${where.slice(dir.length)}:${line} ${message}`)
        .slice(0, 2)
      missed.push(`${file.slice(dir.length)}:${mutation.line} ${mutation.what} | ${told.join(' | ')}`)
    }
    console.log(`${kind}: ${made.size} mutations of ${whats.size} kinds`)
    expect(missed).toEqual([])
    expect(made.size).toBe(WANTED)
    expect(whats.size).toBeGreaterThan(2)
  },
)
