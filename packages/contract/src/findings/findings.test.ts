import { describe, expect, test } from 'vitest'
import { Findings } from './findings.ts'
import { formatFinding } from './format-finding.ts'
import { didYouMean, listed, nearest } from './nearest.ts'

const at = (line: number, column: number, file = 'b.yaml') => ({ file, line, column, pointer: '' })

describe('findings', () => {
  test('are kept once, and sorted by file, line and column', () => {
    const findings = new Findings()
    findings.warning(at(2, 1), 'b', 'second', 'x')
    findings.error(at(1, 9), 'a', 'first', 'x')
    findings.error(at(1, 9), 'a', 'first', 'x')
    findings.error(at(9, 9, 'a.yaml'), 'a', 'other file', 'x')
    expect(findings.sorted().map(({ message }) => message)).toEqual(['other file', 'first', 'second'])
    expect(findings.hasErrors).toBe(true)
  })

  test('errors count even where they are no longer kept', () => {
    const findings = new Findings()
    for (let line = 1; line <= 1200; line++) findings.warning(at(line, 1), 'w', 'warned', 'x')
    expect(findings.hasErrors).toBe(false)
    findings.error(at(5000, 1), 'e', 'the last', 'x')
    expect(findings.hasErrors).toBe(true)
    expect(findings.sorted()).toHaveLength(1001)
    expect(findings.sorted().at(-1)?.message).toBe('201 more findings are not shown')
  })
})

describe('what a misspelt name most likely meant', () => {
  test.each([
    ['onOverlaps', ['onOverlap', 'onMismatch'], 'onOverlap'],
    ['on_overlap', ['onOverlap'], 'onOverlap'],
    ['ownre', ['owner'], 'owner'],
    ['servcies', ['services', 'system'], 'services'],
    ['colour', ['owner'], undefined],
    ['x', ['y'], 'y'],
    ['ab', ['xy'], undefined],
    ['owner', ['owner'], undefined],
    ['', ['a'], 'a'],
  ])('%s of %j is %s', (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected)
  })

  test('no more edits than asked for', () => {
    expect(nearest('a.long.channel.name', ['a.long.channel.eman'], 2)).toBeUndefined()
    expect(nearest('a.long.channel.name', ['a.long.channel.nmae'], 2)).toBe('a.long.channel.nmae')
  })

  test('as a hint', () => {
    expect(didYouMean('ownr', ['owner'], 'other')).toBe('did you mean `owner`?')
    expect(didYouMean('zzzz', ['owner'], 'other')).toBe('other')
    expect(
      listed(
        Array.from({ length: 20 }, (_, index) => `n${index}`),
        3,
      ),
    ).toBe('n0, n1, n2, … (20)')
  })
})

describe('a finding as text', () => {
  const finding = {
    id: 'unknown-value',
    severity: 'error' as const,
    file: '/project/contracts/a.yaml',
    line: 2,
    column: 14,
    message: '`onOverlap: queue` is not one of reject, wait',
    suggestion: 'did you mean `wait`?',
  }

  test('with its line and a caret', () => {
    const source = 'first:\r\n  onOverlap: queue\r\nlast: 1\r\n'
    expect(formatFinding(finding, { source, base: '/project' })).toBe(
      [
        'contracts/a.yaml:2:14  error  unknown-value  `onOverlap: queue` is not one of reject, wait',
        '  2 |   onOverlap: queue',
        '    |              ^',
        '  did you mean `wait`?',
      ].join('\n'),
    )
  })

  test('without source', () => {
    expect(formatFinding(finding, { base: '/project' }).split('\n')).toHaveLength(2)
  })

  test('a tab before it is a tab before the caret', () => {
    const text = formatFinding({ ...finding, line: 1, column: 3 }, { source: '\t\tx: 1', base: '/' })
    expect(text.split('\n')[2]).toBe('    | \t\t^')
  })

  test('a very long line is cut around it', () => {
    const source = `${'a'.repeat(500)}HERE${'b'.repeat(500)}`
    const [, line = '', caret = ''] = formatFinding({ ...finding, line: 1, column: 501 }, { source, base: '/' }).split(
      '\n',
    )
    expect(line.length).toBeLessThan(120)
    expect(line.slice(caret.indexOf('^')).startsWith('HERE')).toBe(true)
  })

  test('a place outside the source shows no line', () => {
    expect(formatFinding({ ...finding, line: 99 }, { source: 'a\n', base: '/' }).split('\n')).toHaveLength(2)
  })
})
