/**
 * Every schema of public documents: it accepts itself, and each of its single changes is judged, in both directions.
 * Documents are read where they lie beside the repository; there is nothing to read elsewhere, and the test is skipped.
 * `ACCEPTS_CORPUS=all` tries every change at every place, instead of some of each schema.
 */
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import {
  createAccepts,
  type JsonSchema,
  loadSystem,
  type Schema,
  type SchemaNames,
  type Service,
} from '../../src/index.ts'
import { mutationsOf } from './mutate-schema.ts'

const corpus = fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url))
const all = process.env['ACCEPTS_CORPUS'] === 'all'
const MOST = all ? Number.POSITIVE_INFINITY : 4

async function serviceOf(document: string, dir: string): Promise<Service | undefined> {
  const file = join(dir, 'spandrel.yaml')
  await writeFile(file, `version: 1\nsystem: corpus\nservices:\n  one: { contracts: [${JSON.stringify(document)}] }\n`)
  const { system } = await loadSystem(file, { env: {} })
  return system?.services['one']
}

/** Wherever a service uses a schema. */
function schemasOf(value: unknown, found: Set<JsonSchema> = new Set()): Set<JsonSchema> {
  if (typeof value !== 'object' || value === null) return found
  const { schema, location } = value as Partial<Schema>
  if (schema !== undefined && location !== undefined) found.add(schema)
  else for (const inner of Object.values(value)) schemasOf(inner, found)
  return found
}

function tally(): Record<'yes' | 'no' | 'unknown', number> {
  return { yes: 0, no: 0, unknown: 0 }
}

test.skipIf(!existsSync(corpus))(
  'every schema of the corpus accepts itself; its changes are judged',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'spandrel-accepts-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    const same = tally()
    const safe = tally()
    const breaking = tally()
    const either = tally()
    const odd: string[] = []
    const names = new Set<string>()
    const documents = globSync(join(corpus, '{asyncapi,openapi,arazzo}/**/*.{yml,yaml,json}')).toSorted()
    for (const document of documents) {
      const service = await serviceOf(document, dir)
      if (service === undefined) continue
      const schemas: SchemaNames = service.schemas
      const relations = (['strict', 'tolerant'] as const).map((policy) =>
        createAccepts({ policy, readerSchemas: schemas, writerSchemas: schemas }),
      )
      const self = createAccepts({ readerSchemas: schemas, writerSchemas: structuredClone(schemas) })
      for (const [index, schema] of [...schemasOf(service)].entries()) {
        const answer = self(schema, structuredClone(schema)).answer
        same[answer]++
        if (answer !== 'yes') odd.push(`itself: ${document} ${JSON.stringify(schema)}`)
        const mutations = [...mutationsOf(schema)]
        const step = Math.max(1, Math.ceil(mutations.length / MOST))
        for (const relation of relations) {
          for (const mutation of mutations.filter((_, place) => (place + index) % step === 0)) {
            names.add(mutation.name)
            const wider = mutation.direction === 'wider'
            const [narrow, wide] = wider ? [schema, mutation.schema] : [mutation.schema, schema]
            const fine = relation(wide, narrow)
            const broken = relation(narrow, wide)
            if (mutation.direction === 'either') {
              either[fine.answer]++
              either[broken.answer]++
            } else {
              safe[fine.answer]++
              breaking[broken.answer]++
              if (fine.answer === 'no') odd.push(`${mutation.name}: ${document} ${JSON.stringify(fine.differences)}`)
            }
            for (const { answer, differences } of [fine, broken]) {
              if (answer === 'unknown') odd.push(`unknown, ${mutation.name}: ${JSON.stringify(differences)}`)
            }
          }
        }
      }
    }
    const questions = [same, safe, breaking]
      .flatMap((answers) => Object.values(answers))
      .reduce((sum, count) => sum + count, 0)
    const unknown = same.unknown + safe.unknown + breaking.unknown + either.unknown
    console.log(
      `corpus: ${documents.length} documents; itself ${JSON.stringify(same)}; ${names.size} kinds of change: ` +
        `wider reader ${JSON.stringify(safe)}, narrower reader ${JSON.stringify(breaking)}, inside oneOf ${JSON.stringify(either)}; ` +
        `unknown ${unknown} of ${questions} (${((100 * unknown) / questions).toFixed(2)} %)`,
    )
    if (odd.length > 0) console.log(odd.slice(0, 20).join('\n'))
    expect(questions).toBeGreaterThan(500)
    expect(names.size).toBeGreaterThan(20)
    expect([same.no, same.unknown, safe.no]).toEqual([0, 0, 0])
    expect(breaking.no).toBeGreaterThan(breaking.yes)
    expect(unknown / questions).toBeLessThan(0.03)
  },
  120_000,
)
