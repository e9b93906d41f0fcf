import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import { allOf, nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const deviationEnds: Rule = {
  id: 'deviation-ends',
  severity: 'warning',
  area: 'governance',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: 'an integration by file or shared database has a date at which it ends, and it is not past',
  why:
    'A shared table couples two services by everything: schema, deployment, load. A nightly file hides failures until ' +
    'morning. Both are fine as a step on the way, and both stay for ten years if nobody writes down when they go.',
  fix: 'add `until: YYYY-MM-DD`',
  *check({ system, today }) {
    for (const { style, until, at, subject } of styled(system)) {
      if (until !== undefined && until.slice(0, 10) < today) {
        const message = `\`${subject}\` was to end on ${until.slice(0, 10)}`
        yield { at, subject, message, fix: 'end it, or decide on another date' }
      } else if (until === undefined && (style === 'file' || style === 'database')) {
        yield { at, subject, message: `\`${subject}\` is an integration by ${style} without an end` }
      }
    }
  },
}

interface Styled {
  readonly style: IntegrationStyle | undefined
  readonly until: string | undefined
  readonly at: SourceLocation
  readonly subject: string
}

function styled(system: System): readonly Styled[] {
  const calls = system.integrations
    .filter(({ kind }) => kind === 'call')
    .map(({ style, until, location, consumer, ref }) => ({
      style,
      until,
      at: location,
      subject: `${consumer} → ${ref}`,
    }))
  const operations = servicesOf(system).flatMap((service) =>
    allOf(service).flatMap((operation) => {
      const { integration } = operation
      if (integration === undefined) return []
      const { style, until, location } = integration
      return [{ style, until, at: location, subject: nameOf(operation) }]
    }),
  )
  // What stands on `info` holds for all operations of a document: it is said once.
  const seen = new Set<string>()
  return [...calls, ...operations].filter(({ at: { file, line, column } }) => {
    const place = `${file}:${line}:${column}`
    return !seen.has(place) && seen.add(place)
  })
}
