import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Findings } from '../findings/findings.ts'
import { mergePatch } from './merge.ts'
import type { Node } from './node.ts'
import { plain } from './node.ts'
import { parseJson } from './parse-json.ts'

/** The algorithm of RFC 7396, section 2, on plain values. */
function rfc7396(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete (result as Record<string, unknown>)[name]
    else (result as Record<string, unknown>)[name] = rfc7396((result as Record<string, unknown>)[name], value)
  }
  return result
}

function node(value: unknown, file = 'a'): Node | undefined {
  return parseJson(file, JSON.stringify(value), new Findings())
}

const tree = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, 1, 'x', [1], [null]), tie('map')),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any')),
}))

test('merges as RFC 7396 says', () => {
  fc.assert(
    fc.property(tree.any, tree.map, (target, patch) => {
      const merged = mergePatch(node(target), node(patch))
      expect(merged && plain(merged)).toEqual(rfc7396(target, patch))
    }),
    { numRuns: 1000 },
  )
})

test('every part keeps the place where it was written', () => {
  const merged = mergePatch(
    node({ retry: { attempts: 3, delay: 'PT1S' } }, 'root'),
    node({ retry: { attempts: 5 } }, 'operation'),
  )
  const retry = merged?.kind === 'map' ? merged.entries.get('retry')?.value : undefined
  const files =
    retry?.kind === 'map' ? [...retry.entries].map(([key, { keyAt, value }]) => [key, keyAt.file, value.at.file]) : []
  expect(files).toEqual([
    ['attempts', 'operation', 'operation'],
    ['delay', 'root', 'root'],
  ])
})
