/**
 * JUnit: a test case is a check of an operation. Failed where it is FAIL, and where nothing could be told; skipped where
 * it was not tested, with what is missing.
 */
import type { CheckVerdict, GuaranteeVerdict, VerifyReport } from '../judge/verdict.ts'
import { said } from './said.ts'

export function junitReport({ results, run, seed, profile }: VerifyReport): string {
  const suites = Map.groupBy(results, ({ ref }) => ref)
  const all = [...suites].map(([ref, guarantees]) => ({ ref, cases: guarantees.flatMap(casesOf) }))
  const body = all.flatMap(({ ref, cases }) => [
    `  <testsuite name="${escaped(ref)}" ${totals(cases)}>`,
    ...cases.map(({ name, content }) => {
      const start = `    <testcase classname="${escaped(ref)}" name="${escaped(name)}"`
      return content === undefined ? `${start}/>` : `${start}>\n      ${content}\n    </testcase>`
    }),
    '  </testsuite>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="spandrel verify ${escaped(profile)}, run ${escaped(run)}, seed ${seed}" ${totals(all.flatMap(({ cases }) => cases))}>`,
    ...body,
    '</testsuites>',
  ].join('\n')
}

interface Case {
  readonly name: string
  readonly kind: 'passed' | 'failed' | 'skipped'
  readonly content?: string
}

/** `idempotency: simultaneous` */
function casesOf({ member, checks, untested, location }: GuaranteeVerdict): Case[] {
  const judged = checks.map((check): Case => {
    const name = `${member}: ${check.check}`
    if (check.verdict === 'PASS') return { name, kind: 'passed' }
    const text = `${words(check)}\nsee it again: spandrel verify --repeat ${check.finding}\npromised in ${location.file}:${location.line}`
    const message = `${check.verdict}: ${check.promise}`
    return {
      name,
      kind: 'failed',
      content: `<failure type="${check.verdict}" message="${escaped(message)}">${escaped(text)}</failure>`,
    }
  })
  const known = new Set(checks.map(({ check }) => check))
  const missing = new Map(untested.filter(({ check }) => !known.has(check)).map(({ check, why }) => [check, why]))
  return [
    ...judged,
    ...[...missing].map(([check, why]): Case => ({
      name: check === '*' ? member : `${member}: ${check}`,
      kind: 'skipped',
      content: `<skipped message="${escaped(why)}"/>`,
    })),
  ]
}

function words({ counterexamples: [first], notes }: CheckVerdict): string {
  return first === undefined ? notes.join('\n') : said(first)
}

function totals(cases: readonly Case[]): string {
  const of = (kind: Case['kind']): number => cases.filter((one) => one.kind === kind).length
  return `tests="${cases.length}" failures="${of('failed')}" errors="0" skipped="${of('skipped')}"`
}

/** XML 1.0 has no place for most control characters, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
