import { expect, test } from 'vitest'
import { formatFinding } from '../src/index.ts'
import { Road } from './road.ts'
import type { Change } from './road.ts'

/** One fault put into the good fixture, and what must be said of it. */
export interface Fault extends Change {
  readonly id: string
  /** a part of the message */
  readonly says: string
  /** a part of the suggestion */
  readonly hint: string
  readonly severity?: 'warning'
  /** errors that follow from it, by id */
  readonly also?: readonly string[]
  /** more changes, for the fault to be the only one */
  readonly and?: readonly Change[]
}

/** Each fault alone: it is found where `▸` stands, with its message and suggestion, and nothing else is. */
export function describeFaults(faults: readonly Fault[]): void {
  test.each(faults.map((fault) => [`${fault.id}: ${fault.says}`, fault] as const))('%s', async (_name, fault) => {
    const { road, places } = await Road.copy([...(fault.and ?? []), fault])
    const { system, findings } = await road.load()
    const shown = findings.map((one) => road.shown(one)).join('\n')
    const severity = fault.severity ?? 'error'
    const errors = findings.filter((one) => one.severity === severity)
    expect(errors.map(({ id }) => id).sort(), `found: ${shown}`).toEqual([fault.id, ...(fault.also ?? [])].sort())
    expect(system === undefined).toBe(severity === 'error')
    expect(places).toHaveLength(1)
    const [place] = places
    const found = errors.find(
      ({ id, line, column }) => id === fault.id && line === place?.line && column === place.column,
    )
    expect(
      found && { ...found, file: road.relative(found.file) },
      `${shown}\nexpected at ${JSON.stringify(place)}`,
    ).toMatchObject({
      ...place,
      message: expect.stringContaining(fault.says),
      suggestion: expect.stringContaining(fault.hint),
    })
    for (const finding of findings) expect(formatFinding(finding)).not.toMatch(/undefined|\[object|NaN/)
  })
}
