import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import type { Report } from './report.ts'
import { formatReport, reportFormats } from './report.ts'

const base = '/project'
const sources: Readonly<Record<string, string>> = { '/project/a b.yaml': 'first: 1\nsecond: <&>\n' }

function finding(more: Partial<Finding>): Finding {
  const standard = { id: 'no-owner', severity: 'warning', line: 2, column: 9, message: 'nobody', suggestion: 'name it' }
  return { ...standard, file: join(base, 'a b.yaml'), ...more } as Finding
}

const acknowledged = { owner: 'team-a', reason: 'until "they" <move>', until: '2027-01-31' }
const findings = [
  finding({ id: 'unknown-key', severity: 'error', message: '100% wrong, a:b\nand more \u0007' }),
  finding({ subject: 'orders' }),
  finding({ id: 'sync-chain', acknowledged }),
  finding({ id: 'poll-without-push', severity: 'info', file: '/elsewhere/b.yaml' }),
]

const rule = { severity: 'warning', area: 'integration', law: 'it holds', fix: 'mend it' } as const

const report: Report = {
  command: 'check',
  version: '1.2.3',
  findings,
  rules: ['no-owner', 'sync-chain', 'never-found'].map((id) => ({ ...rule, id })),
  base,
  source: (file) => sources[file],
  looked: '1 service',
  facts: { file: 'spandrel.yaml' },
}

const nothing: Report = { ...report, findings: [] }

test('every format says nothing wrong of nothing, and names what was looked at where it can', () => {
  expect(reportFormats).toHaveLength(5)
  expect(formatReport('human', nothing)).toBe('no faults in 1 service')
  expect(formatReport('github', nothing)).toBe('')
  expect(JSON.parse(formatReport('sarif', nothing))).toMatchObject({ runs: [{ results: [] }] })
  expect(formatReport('junit', nothing)).toContain('tests="3" failures="0"')
})

test('human: the offending line, and acknowledged findings counted only', () => {
  const text = formatReport('human', report)
  expect(text).toContain('a b.yaml:2:9  warning  no-owner  nobody\n  2 | second: <&>\n    |         ^\n  name it\n')
  expect(text).not.toContain('sync-chain')
  expect(text.split('\n').at(-1)).toBe('1 error, 1 warning, 1 remark, 1 acknowledged in 1 service')
})

test('human: remarks alone are no fault', () => {
  const text = formatReport('human', { ...report, findings: [finding({ severity: 'info' })] })
  expect(text.split('\n').at(-1)).toBe('no faults, 1 remark in 1 service')
})

test('json: facts, counts and findings', () => {
  expect(JSON.parse(formatReport('json', report))).toEqual({
    file: 'spandrel.yaml',
    errors: 1,
    warnings: 1,
    remarks: 1,
    acknowledged: 1,
    findings,
  })
})

test('sarif: results name their rules, places and suppressions', () => {
  const { version, runs } = JSON.parse(formatReport('sarif', report)) as {
    version: string
    runs: [{ tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }]
  }
  expect(version).toBe('2.1.0')
  const [{ tool, results }] = runs
  for (const result of results) {
    expect(tool.driver.rules[result['ruleIndex'] as number]?.id).toBe(result['ruleId'])
  }
  expect(new Set(tool.driver.rules.map(({ id }) => id)).size).toBe(tool.driver.rules.length)
  expect(results[0]).toMatchObject({
    level: 'error',
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'a%20b.yaml', uriBaseId: 'SRCROOT' },
          region: { startLine: 2, startColumn: 9, snippet: { text: 'second: <&>' } },
        },
      },
    ],
  })
  expect(results[2]).toMatchObject({ suppressions: [{ kind: 'external', status: 'accepted' }] })
  expect(results[3]).toMatchObject({
    level: 'note',
    locations: [{ physicalLocation: { artifactLocation: { uri: 'file:///elsewhere/b.yaml' } } }],
  })
})

test('sarif: a finding is the same one after lines were added above it', () => {
  const prints = (line: number): unknown =>
    (
      JSON.parse(formatReport('sarif', { ...report, findings: [finding({ line })] })) as {
        runs: [{ results: [{ partialFingerprints: unknown }] }]
      }
    ).runs[0].results[0].partialFingerprints
  expect(prints(2)).toEqual(prints(20))
})

test('github: one line a finding, escaped as the runner reads it', () => {
  expect(formatReport('github', report).split('\n')).toEqual([
    '::error file=a b.yaml,line=2,col=9,title=spandrel unknown-key::100%25 wrong, a:b%0Aand more \u0007%0Aname it',
    '::warning file=a b.yaml,line=2,col=9,title=spandrel no-owner::nobody%0Aname it',
    '::notice file=../elsewhere/b.yaml,line=2,col=9,title=spandrel poll-without-push::nobody%0Aname it',
  ])
  const odd = finding({ file: join(base, 'a:b,c.yaml') })
  expect(formatReport('github', { ...report, findings: [odd] })).toContain('file=a%3Ab%2Cc.yaml,')
})

test('junit: a case a rule; failed, skipped with who answers for it, or passed', () => {
  const text = formatReport('junit', report)
  expect(text).toContain('tests="5" failures="2" errors="0" skipped="1"')
  expect(text).toContain('<testcase classname="spandrel.check.integration" name="never-found"/>')
  expect(text).toContain('<failure type="error" message="100% wrong, a:b\nand more \uFFFD">')
  expect(text).toContain('second: &lt;&amp;&gt;')
  expect(text).toContain('<skipped message="team-a, until 2027-01-31: until &quot;they&quot; &lt;move&gt;"/>')
  expect(text).toContain('<system-out>../elsewhere/b.yaml:2:9')
})

test('details stand under the message in every format, and properties where a format carries data', () => {
  const details = ['breaks billing (team-money): its own schema does not fit', 'for example {"n":0}']
  const one = finding({ details, properties: { owner: 'team-orders' }, fingerprint: 'f00' })
  const of = (format: (typeof reportFormats)[number]): string => formatReport(format, { ...report, findings: [one] })
  expect(of('human')).toContain(`nobody\n  2 | second: <&>\n    |         ^\n  ${details.join('\n  ')}\n  name it\n`)
  expect(of('github')).toContain(`::nobody%0A${details.join('%0A')}%0Aname it`)
  expect(of('junit')).toContain('  breaks billing (team-money): its own schema does not fit\n')
  expect(JSON.parse(of('sarif'))).toMatchObject({
    runs: [
      {
        results: [
          {
            message: { text: `nobody\n${details.join('\n')}\nname it` },
            properties: { owner: 'team-orders' },
            partialFingerprints: { 'spandrelFinding/v1': 'f00' },
          },
        ],
      },
    ],
  })
})
