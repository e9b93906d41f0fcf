/**
 * Public documents that nobody wrote for us: each becomes a contract of a service and a client of another, and all of
 * them pass the strictest compiler options. They are read where they lie beside the repository, and skipped elsewhere.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { generateSystem, loadSystem, type System } from '../src/index.ts'
import { STRICTEST, typeScriptProject } from './generate/typescript-project.ts'

const corpus = fileURLToPath(new URL('../../../../shared/corpus/', import.meta.url))

async function documents(): Promise<string[]> {
  const folders = ['openapi', 'asyncapi'].map((folder) => join(corpus, folder))
  const entries = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })))
  const files = entries.flat().filter((entry) => entry.isFile() && /\.(?:json|ya?ml)$/.test(entry.name))
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted()
}

async function load(file: string): Promise<System> {
  const { system, findings } = await loadSystem(file, { env: {} })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  return system
}

function yamlOf(document: string, uses: readonly string[]): string {
  const provider = { owner: 'them', contracts: [document], url: 'http://127.0.0.1:1' }
  const caller = {
    owner: 'us',
    contracts: [document],
    uses: Object.fromEntries(uses.map((ref) => [ref, { style: 'rpc' }])),
  }
  // JSON is YAML.
  return JSON.stringify({ version: 1, system: 'corpus', services: { provider, caller } })
}

describe.skipIf(!existsSync(corpus))('the corpus', () => {
  test('compiles, as a service and as a client', { timeout: 120_000 }, async () => {
    await using project = await typeScriptProject()
    let operations = 0
    let messages = 0
    for (const [index, document] of (await documents()).entries()) {
      const folder = `d${index}`
      const yaml = join(project.dir, folder, 'spandrel.yaml')
      const here = relative(join(project.dir, folder), document)
      await project.write({ [`${folder}/spandrel.yaml`]: yamlOf(here, []) })
      const provider = (await load(yaml)).services['provider']
      const refs = Object.keys(provider?.operations ?? {}).map((name) => `provider.${name}`)
      await project.write({ [`${folder}/spandrel.yaml`]: yamlOf(here, refs) })
      for (const { service, text } of generateSystem(await load(yaml))) {
        await project.write({ [`${folder}/${service}.contract.ts`]: text })
      }
      operations += refs.length
      messages += Object.keys(provider?.messages ?? {}).length
    }
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(operations).toBeGreaterThan(20)
    expect(messages).toBeGreaterThan(20)
  })
})
