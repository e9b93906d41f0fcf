/** One fault is one finding, on its line, in the author's words: in every version, also where the official schema speaks. */
import { expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import { checkFixture } from '../rules/fixture.ts'

const yaml = 'version: 1\nsystem: test\nservices: { a: { owner: us, contracts: [a.openapi.yaml] } }\n'

interface Parts {
  readonly parameters?: string
  readonly media?: string
  readonly path?: string
}

/** `▸` stands where the finding is expected. */
async function faults(version: string, parts: Parts): Promise<{ readonly found: readonly Finding[]; line: number }> {
  const { parameters = '', media = 'schema: { type: integer }', path = '/a' } = parts
  const text = `openapi: ${version}
info: { title: A, version: 1.0.0 }
paths:
  ${path}:
    get:
      operationId: getA
      parameters:
        - { name: first, in: query, schema: { type: string } }
${parameters}
      responses:
        '200':
          description: fine
          content:
            application/json:
              ${media}
`
  const line = text.slice(0, text.indexOf('▸')).split('\n').length
  expect(text).toContain('▸')
  const files = new Map([
    ['spandrel.yaml', yaml],
    ['a.openapi.yaml', text.replace('▸', '')],
  ])
  const { findings } = await checkFixture({ files, marks: [] })
  return { found: findings.filter(({ severity }) => severity !== 'info'), line }
}

const integer = 'schema: { type: integer }'
const example = 'examples: { one: { value: 1 } }'
const both = (members: string): string => `        - name: limit\n          in: query\n          ${members}`
const inner = '\n              '

const cases: readonly (readonly [says: string, parts: Parts])[] = [
  [
    'parameter `limit` has both `schema` and `content`',
    { parameters: both(`${integer}\n          ▸content: { text/plain: {} }`) },
  ],
  [
    'parameter `limit` has both `example` and `examples`',
    { parameters: both(`${integer}\n          example: 1\n          ▸${example}`) },
  ],
  [
    'the path parameter `id` must be required',
    { parameters: '        - ▸{ name: id, in: path, schema: {} }', path: '/a/{id}' },
  ],
  ['parameter `limit` has neither `schema` nor `content`', { parameters: '        - ▸{ name: limit, in: query }' }],
  [
    '`application/json` has both `example` and `examples`',
    { media: [integer, 'example: 1', `▸${example}`].join(inner) },
  ],
]

test.each(cases.flatMap(([says, parts]) => ['3.0.3', '3.1.0'].map((version) => [version, says, parts] as const)))(
  '%s: %s',
  async (version, says, parts) => {
    const { found, line } = await faults(version, parts)
    expect(found.map((one) => [one.line, one.severity])).toEqual([[line, 'error']])
    expect(found[0]?.message).toContain(says)
    expect(found[0]?.suggestion).not.toMatch(/undefined|the members are/)
  },
)

test('of a contract that is not there nothing else is said', async () => {
  const files = new Map([
    [
      'spandrel.yaml',
      'version: 1\nsystem: test\nservices:\n  a: { owner: us, contracts: [a.openapi.yaml], uses: { b.getB: { in: [getA] } } }\n' +
        '  b: { owner: us, contracts: [b.openapi.yaml] }\n',
    ],
    ['a.guarantees.yaml', 'getA: { x-integration: { process: nowhere, compensates: b.getC } }\n'],
  ])
  const { findings } = await checkFixture({ files, marks: [] })
  expect(findings.map(({ id, line }) => `${id} ${line}`)).toEqual(['missing-file 4', 'missing-file 5'])
})
