import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { loadSystem } from './load-system.ts'

/**
 * Public documents that are valid by their specifications. The folder stands beside the repository where there is one;
 * without it this test is skipped. Where it stands, reading none of it is a failure.
 */
const corpus = fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url))
const documents = globSync(join(corpus, '{asyncapi,openapi,arazzo}/**/*.{yml,yaml,json}'))

if (!existsSync(corpus)) console.log('corpus: absent, no public documents read')

test.skipIf(!existsSync(corpus))('valid public documents load without an error', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spandrel-corpus-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const bad: string[] = []
  for (const [index, document] of documents.entries()) {
    const file = join(dir, `${index}.yaml`)
    await writeFile(
      file,
      `version: 1\nsystem: corpus\nservices:\n  one: { contracts: [${JSON.stringify(document)}] }\n`,
    )
    const { system, findings } = await loadSystem(file, { env: {} })
    const errors = findings.filter(({ severity }) => severity === 'error')
    for (const { line, column, message } of errors)
      bad.push(`${relative(corpus, document)}:${line}:${column} ${message}`)
    const one = system?.services['one']
    const parts = [one?.operations, one?.sends, one?.receives, one?.webhooks].flatMap((part) => Object.keys(part ?? {}))
    const workflows = one?.documents.some((two) => (two.workflows ?? 0) > 0) ?? false
    if (errors.length === 0 && parts.length === 0 && !workflows)
      bad.push(`${relative(corpus, document)}: nothing was read from it`)
  }
  console.log(`corpus: ${documents.length} documents read`)
  expect(documents.length).toBeGreaterThan(45)
  expect(bad).toEqual([])
})
