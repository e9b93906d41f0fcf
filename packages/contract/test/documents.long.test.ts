/**
 * Documents that nobody wrote for us, whole: the public corpus beside the repository, and GitHub's OpenAPI documents,
 * which npm packs into a temporary folder (385 MB unpacked: too much for a dependency). Each becomes a contract of a
 * service; those of the corpus also a client of another. `tsc` under its strictest options accepts all of it, and every
 * operation that the bare document names is in the output.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { generateSystem, loadSystem, type System } from '../src/index.ts'
import { STRICTEST, typeScriptProject } from './generate/typescript-project.ts'

const GITHUB = '@octokit/openapi@23.0.2'
/** Cloud, Enterprise Cloud and the newest Enterprise Server; its older versions, and the inlined copies, say the same. */
const GITHUB_DOCUMENTS = ['api.github.com', 'ghec', 'ghes-3.19']
const corpus = fileURLToPath(new URL('../../../../shared/corpus/', import.meta.url))
const run = promisify(execFile)

/** What a document says it has, read without our reader: `POST /orders`, or the keys of its operations. */
function operationsIn(document: Record<string, unknown>): string[] {
  const { asyncapi, paths, operations, channels } = document as Record<string, Record<string, object> | undefined>
  if (typeof asyncapi === 'string') {
    if (!String(asyncapi).startsWith('2')) return Object.keys(operations ?? {}).map((name) => `action ${name}`)
    return Object.values(channels ?? {}).flatMap((channel) =>
      Object.keys(channel).filter((key) => key === 'publish' || key === 'subscribe'),
    )
  }
  return Object.entries(paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => /^(?:get|put|post|delete|options|head|patch|trace|query)$/.test(key))
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
}

/** The same, of a generated text: the comment above each operation of the service's types. */
function httpOperationsOf(text: string): ReadonlySet<string> {
  const types = /^export type \w+Types = \{\n {2}operations: ([\s\S]*?)^ {2}sends: /m.exec(text)?.[1] ?? ''
  const http = [...types.matchAll(/^ {4}\/?\*\*? ?(?:\* )?([A-Z]+ \/\S*)|^ {5}\* ([A-Z]+ \/\S*)$/gm)]
  return new Set(http.map((found) => found[1] ?? found[2] ?? ''))
}

async function githubDocuments(dir: string): Promise<string[]> {
  const { stdout } = await run('npm', ['pack', '--silent', GITHUB], { cwd: dir })
  const paths = GITHUB_DOCUMENTS.map((name) => `package/generated/${name}.json`)
  await run('tar', ['xzf', stdout.trim(), ...paths], { cwd: dir })
  return paths.map((path) => join(dir, path))
}

async function corpusDocuments(): Promise<string[]> {
  const entries = await readdir(corpus, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /(?<!arazzo)\.(?:json|ya?ml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

function yamlOf(document: string, uses: readonly string[]): string {
  const provider = { owner: 'them', contracts: [document], url: 'http://127.0.0.1:1' }
  const caller = {
    owner: 'us',
    contracts: [document],
    uses: Object.fromEntries(uses.map((ref) => [ref, { style: 'rpc' }])),
  }
  const services = uses.length === 0 ? { provider } : { provider, caller }
  // JSON is YAML.
  return JSON.stringify({ version: 1, system: 'documents', services })
}

async function load(file: string): Promise<System> {
  const { system, findings } = await loadSystem(file, { env: {} })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  return system
}

interface Counts {
  documents: number
  operations: number
  types: number
}

/** Generates for one document into a folder of its own; returns what of it is missing from the output. */
async function generated(
  project: Awaited<ReturnType<typeof typeScriptProject>>,
  document: string,
  options: { readonly asClient: boolean },
  counts: Counts,
): Promise<string[]> {
  const folder = `d${counts.documents}`
  const yaml = join(project.dir, folder, 'spandrel.yaml')
  const here = relative(join(project.dir, folder), document)
  await project.write({ [`${folder}/spandrel.yaml`]: yamlOf(here, []) })
  let system = await load(yaml)
  const refs = Object.keys(system.services['provider']?.operations ?? {}).map((name) => `provider.${name}`)
  if (options.asClient && refs.length > 0) {
    await project.write({ [`${folder}/spandrel.yaml`]: yamlOf(here, refs) })
    system = await load(yaml)
  }
  const missing: string[] = []
  const expected = operationsIn(parse(await readFile(document, 'utf8')) as Record<string, unknown>)
  for (const { service, text } of generateSystem(system)) {
    await project.write({ [`${folder}/${service}.contract.ts`]: text })
    const http = httpOperationsOf(text)
    const known = system.services[service]
    const actions = Object.keys({ ...known?.sends, ...known?.receives })
    for (const one of expected) {
      if (/^[A-Z]/.test(one) && !http.has(one)) missing.push(`${basename(document)}, ${service}: ${one}`)
      const [, action] = /^action (.*)/.exec(one) ?? []
      if (action !== undefined && !actions.includes(action))
        missing.push(`${basename(document)}, ${service}: ${action}`)
    }
    const messages = expected.filter((one) => !/^[A-Z]/.test(one)).length
    if (actions.length < messages)
      missing.push(`${basename(document)}: ${actions.length} of ${messages} sends and receives`)
    counts.types += text.match(/^export type /gm)?.length ?? 0
  }
  counts.documents++
  counts.operations += expected.length
  return missing
}

test('the corpus: every document, as a service and as a client', async () => {
  await using project = await typeScriptProject()
  const counts: Counts = { documents: 0, operations: 0, types: 0 }
  const missing: string[] = []
  for (const document of await corpusDocuments())
    missing.push(...(await generated(project, document, { asClient: true }, counts)))
  const faults = await project.typeCheck(STRICTEST)
  console.log(`corpus: ${counts.documents} documents, ${counts.operations} operations, ${counts.types} types`)
  expect(missing).toEqual([])
  expect(faults).toEqual([])
  expect(counts.documents).toBeGreaterThan(40)
  expect(counts.operations).toBeGreaterThan(100)
})

test('GitHub: every operation of each document', { timeout: 600_000 }, async () => {
  await using packed = await typeScriptProject()
  const counts: Counts = { documents: 0, operations: 0, types: 0 }
  for (const document of await githubDocuments(packed.dir)) {
    // 20 MB of TypeScript each: one at a time, so that the compiler's memory is no question.
    await using project = await typeScriptProject()
    expect(await generated(project, document, { asClient: false }, counts)).toEqual([])
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    const { documents, operations, types } = counts
    console.log(
      `${GITHUB}: ${documents} documents, ${operations} operations, ${types} types, with ${basename(document)}`,
    )
  }
  expect(counts.documents).toBe(GITHUB_DOCUMENTS.length)
  expect(counts.operations).toBeGreaterThan(3000)
})
