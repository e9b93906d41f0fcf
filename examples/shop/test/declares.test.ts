/** The shop is the example: it declares at least once whatever the vocabulary has. */
import { fileURLToPath } from 'node:url'
import { type GuaranteeMember, loadSystem, type Service } from '@spandrel/contract'
import { beforeAll, expect, it } from 'vitest'

let services: readonly Service[]
beforeAll(async () => {
  const { system } = await loadSystem(fileURLToPath(new URL('../spandrel.yaml', import.meta.url)), { env: {} })
  services = Object.values(system!.services).filter(({ external }) => !external)
})

const operationsOf = ({ operations, sends, receives }: Service) =>
  [operations, sends, receives].flatMap((kind) => Object.values(kind))

it('every member of x-guarantees is declared', () => {
  const counts: Record<GuaranteeMember, number> = {
    idempotency: 0,
    delivery: 0,
    ordering: 0,
    timeout: 0,
    retry: 0,
    deadLetter: 0,
    completion: 0,
    push: 0,
    correlation: 0,
  }
  for (const { guarantees } of services.flatMap(operationsOf)) {
    for (const member of Object.keys(guarantees.declared)) counts[member as GuaranteeMember]++
  }
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([])
})

it('idempotency with `reject` and with `wait`, ordering on two services, completion by status and by message', () => {
  const values = services.flatMap(operationsOf).map(({ guarantees }) => guarantees.values)
  const overlaps = services
    .flatMap(({ operations }) => Object.values(operations))
    .flatMap(
      ({
        guarantees: {
          values: { idempotency },
        },
      }) => (typeof idempotency === 'object' ? [idempotency.onOverlap] : []),
    )
  expect(new Set(overlaps)).toEqual(new Set(['reject', 'wait']))
  const ordered = services.filter((service) =>
    operationsOf(service).some(({ guarantees }) => typeof guarantees.values.ordering === 'object'),
  )
  expect(ordered.length).toBeGreaterThanOrEqual(2)
  const completions = services
    .flatMap(operationsOf)
    .flatMap(({ guarantees: { completion } }) => (completion === undefined ? [] : [completion.by]))
  expect(new Set(completions)).toEqual(new Set(['event', 'status']))
  expect(values.length).toBeGreaterThan(20)
})
