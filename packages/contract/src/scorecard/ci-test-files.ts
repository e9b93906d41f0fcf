import { readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { Service, System } from '../model/system.ts'
import type { Repository } from '../rules/repository/repository.ts'
import type { CiTest, Tested } from './ci.ts'

/** What a test file imports to hold a service against its contract; which of its names test what. */
const libraries: readonly {
  readonly name: string
  readonly call?: RegExp
  readonly message?: RegExp
}[] = [
  { name: '@spandrel/verify', call: /\b(planService|planOperation)\b/, message: /\bplanReceive\b/ },
  { name: '@pact-foundation/pact', call: /./, message: /\bMessage\w*/ },
  { name: 'jest-openapi', call: /./ },
  { name: 'chai-openapi-response-validator', call: /./ },
  { name: 'openapi-response-validator', call: /./ },
]

const configs = ['vitest.config', 'vite.config', 'jest.config'].flatMap((name) =>
  ['ts', 'mts', 'js', 'mjs', 'cjs'].map((ending) => `${name}.${ending}`),
)

/** What runners take for a test where no configuration says otherwise. */
const usual = /(\.(test|spec)\.[cm]?[jt]sx?|(^|\/)__tests__\/.*\.[cm]?[jt]sx?)$/

/**
 * The test file that a command line (`vitest run --config vitest.long.config.ts`) runs and that tests a service: it
 * imports a library for contract tests, and it names the service or stands in its folder.
 */
export function testFilesRun(
  line: string,
  folder: string,
  service: Service,
  tested: Tested,
  { system, repository }: { readonly system: System; readonly repository: Repository },
): { readonly runner: string; readonly test: CiTest[number] } | undefined {
  const [, runner = '', rest = ''] = /(?:^|[\s;&|])(vitest|jest|mocha|node --test)\b([^;&|]*)/.exec(line) ?? []
  if (runner === '') return undefined
  const isRun = runs(rest, folder)
  for (const file of repository.files) {
    const path = relative(folder, file).split(sep).join('/')
    if (path.startsWith('../') || !/\.[cm]?[jt]sx?$/.test(path) || !isRun(path)) continue
    const text = repository.text(file)
    if (text === undefined || !isAbout(service, file, text, system)) continue
    const found = importIn(text, tested)
    if (found === undefined) continue
    const what = `it tests \`${service.name}\` with ${found.name}`
    return { runner, test: { text: what, at: { file, line: found.line } } }
  }
  return undefined
}

function isAbout({ name, dir }: Service, file: string, text: string, system: System): boolean {
  const alone = Object.values(system.services).filter(({ external }) => !external).length === 1
  const own = dir !== system.dir && file.startsWith(dir + sep)
  return alone || own || ["'", '"', '`'].some((quote) => text.includes(`${quote}${name}${quote}`))
}

function importIn(text: string, tested: Tested): { readonly name: string; readonly line: number } | undefined {
  for (const library of libraries) {
    const names = library[tested]
    if (names === undefined) continue
    const form = new RegExp(
      `import (?!type\\b)([^;'"]*?)\\s+from\\s+['"]${library.name}['"]|(?:const|let) ([^;=]*?)=\\s*require\\(['"]${library.name}['"]\\)`,
    )
    const match = form.exec(text)
    if (match === null || !names.test(match[1] ?? match[2] ?? '')) continue
    return { name: library.name, line: text.slice(0, match.index).split('\n').length }
  }
  return undefined
}

/** Which files, relative to where the runner runs. */
function runs(rest: string, folder: string): (path: string) => boolean {
  const [, named] = /(?:--config|-c)[ =]([\w./-]+)/.exec(rest) ?? []
  const filters = rest
    .replace(/(?:--config|-c)[ =][\w./-]+/, '')
    .split(/\s+/)
    .filter((word) => /^[\w./*-]+$/.test(word) && !word.startsWith('-') && word !== 'run' && word !== 'watch')
  const text = (named === undefined ? configs : [named])
    .map((name) => readConfig(join(folder, name)))
    .find((one) => one !== '')
  const include = globsOf('include|testMatch', text ?? '')
  const exclude = globsOf('exclude', text ?? '')
  return (path) =>
    (include.length > 0 ? include.some((one) => one.test(path)) : usual.test(path)) &&
    !exclude.some((one) => one.test(path)) &&
    (filters.length === 0 || filters.some((word) => path.includes(word.replace(/^\.\//, ''))))
}

/** A configuration, followed by the one it is made from: what stands first counts. */
function readConfig(file: string, depth = 0): string {
  try {
    const text = readFileSync(file, 'utf8').replaceAll(/^\s*\/\/.*$/gm, '')
    const [, base] = /from\s+['"](\.{1,2}\/[^'"]+)['"]/.exec(text) ?? []
    return base === undefined || depth > 2 ? text : `${text}\n${readConfig(join(dirname(file), base), depth + 1)}`
  } catch {
    return ''
  }
}

function globsOf(member: string, config: string): readonly RegExp[] {
  const [, list = ''] = new RegExp(`\\b(?:${member})\\s*:\\s*\\[([^\\]]*)\\]`).exec(config) ?? []
  return [...list.matchAll(/['"`]([^'"`]+)['"`]/g)].map(([, glob = '']) => globPattern(glob))
}

/** `**`, `*`, `?` and `{a,b}`; `<rootDir>/` of jest is where it runs. */
function globPattern(glob: string): RegExp {
  let depth = 0
  const source = glob.replace(/^<rootDir>\//, '').replaceAll(/\*\*\/|\*\*|\*|\?|\{|\}|,|[.+^$()|[\]\\]/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part === '{') return ++depth > 0 ? '(?:' : ''
    if (part === '}') return depth-- > 0 ? ')' : '\\}'
    if (part === ',') return depth > 0 ? '|' : ','
    return `\\${part}`
  })
  try {
    return new RegExp(`^${source}$`)
  } catch {
    // A form of glob that is not known here matches nothing: what is not understood is no evidence.
    return /^(?!)/
  }
}
