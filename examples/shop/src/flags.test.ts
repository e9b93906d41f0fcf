import { describe, expect, it } from 'vitest'
import { parseFlags, UsageError } from './flags.ts'

describe('flags', () => {
  it('reads what the issue asks for', () => {
    expect(parseFlags(['--for', '30s', '--chaos', '--seed', '7', '--json', '--report', 'out.json'])).toEqual({
      forMs: 30_000,
      chaos: true,
      seed: 7,
      json: true,
      report: 'out.json',
      naive: false,
      beside: undefined,
      help: false,
    })
  })

  it('plays until Ctrl-C without any', () => {
    expect(parseFlags([])).toMatchObject({ forMs: undefined, chaos: false, seed: 7, json: false })
  })

  it('gives the naive shop half a minute of chaos', () => {
    expect(parseFlags(['--naive'])).toMatchObject({ forMs: 30_000, chaos: true, naive: true })
    expect(parseFlags(['--naive', '--for', '2m'])).toMatchObject({ forMs: 120_000 })
  })

  it('runs two releases through half a minute of chaos', () => {
    expect(parseFlags(['--beside', 'v1'])).toMatchObject({ forMs: 30_000, chaos: true, beside: 'v1' })
  })

  it.each([
    ['--for', 'soon'],
    ['--for', '0s'],
    ['--for', '99999m'],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--naive', '--beside', 'HEAD'],
    ['--unknown'],
    ['stray'],
  ])('refuses %s %s', (...args) => {
    expect(() => parseFlags(args)).toThrow(UsageError)
  })
})
