/**
 * Forty public documents, each with one fault that a seed chose: it must be found, as an error, where it is. The corpus
 * stands beside the repository; the faulty copies are made in a temporary folder.
 */
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { checkDocuments } from '../src/index.ts'
import { mutate, mutators } from './mutations.ts'

const corpus = fileURLToPath(new URL('../../../../shared/corpus', import.meta.url))
const WANTED = 40

test.skipIf(!existsSync(corpus))('a single fault is an error on its line', { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'spandrel-mutated-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const documents = globSync('**/*.{yaml,yml}', { cwd: corpus }).toSorted()
  for (const folder of new Set(documents.map((one) => dirname(one)))) {
    // Documents refer to their neighbours. What is read-only there must not be so here.
    cpSync(join(corpus, folder), join(dir, folder), { recursive: true, filter: (from) => !from.endsWith('.json') })
  }
  const names = Object.keys(mutators)
  const used = new Map<string, number>()
  const missed: string[] = []
  let tried = 0
  for (let seed = 1; tried < WANTED && seed < 1000; seed++) {
    const document = documents[(seed * 7 + Math.floor(seed / names.length)) % documents.length] ?? ''
    const name = names[seed % names.length] ?? ''
    const mutation = mutate(readFileSync(join(corpus, document), 'utf8'), name, seed)
    if (mutation === undefined) continue
    tried++
    used.set(name, (used.get(name) ?? 0) + 1)
    const file = join(dir, dirname(document), `mutated-${basename(document)}`)
    writeFileSync(file, mutation.text)
    const { findings } = await checkDocuments([file], { env: {} })
    rmSync(file)
    if (findings.some(({ severity, line }) => severity === 'error' && mutation.lines.includes(line))) continue
    missed.push(`${document}: ${name}, seed ${seed}, line ${mutation.lines.join(' or ')}`)
  }
  console.log(`mutations: ${tried}, of ${used.size} kinds`)
  expect(missed).toEqual([])
  expect(tried).toBe(WANTED)
  expect(used.size).toBeGreaterThan(8)
})
