import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import { type Edge, edgesOf } from '../scorecard/edges.ts'
import { keyPlace } from '../source/node.ts'
import { nameOf } from './operations.ts'
import type { Rule, Violation } from './rule.ts'

export const deviationHasReason: Rule = {
  id: 'deviation-has-reason',
  severity: 'error',
  area: 'governance',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: "an integration whose style is not the system's default says why",
  why:
    'A default style is a decision: most integrations follow it without a thought, and the few that do not are the ones ' +
    'worth looking at. A deviation without a reason cannot be told from an accident. An HTTP operation is rpc and a ' +
    'message is messaging, unless `style` says otherwise.',
  fix: 'write `x-integration: { reason: … }` on `info`, for the whole document, or on the operation',
  // A `style:` that is written out and has no reason is found while the system is read. This is about all the others.
  *check({ system, node }) {
    const usual = system.defaults.style
    if (usual === undefined) return
    const unreasoned = edgesOf(system).filter(({ style, reason }) => style !== usual && reason === undefined)
    const groups = Map.groupBy(unreasoned.map(deviationOf), ({ at, style }) => `${style} ${at.file}`)
    for (const [, group] of groups) yield* violation(group, usual, (file) => keyPlaceOfInfo(node(file, '')))
  },
}

interface Deviation {
  readonly style: IntegrationStyle
  /** of the operation that says it, or could */
  readonly at: SourceLocation
  readonly subject: string
  readonly service: string
}

function deviationOf({ style, ...edge }: Edge): Deviation {
  // Who receives decides how: the sender's terms count only where nobody of the system does.
  const operation = edge.kind === 'call' ? edge.operation : (edge.receive ?? edge.send)
  if (operation === undefined) return { style, at: edge.location, subject: edge.ref, service: edge.ref }
  return { style, at: operation.location, subject: nameOf(operation), service: operation.service }
}

/** One for each document: a reason on its `info` is a reason for all. */
function* violation(
  group: readonly Deviation[],
  usual: IntegrationStyle,
  infoOf: (file: string) => SourceLocation | undefined,
): Iterable<Violation> {
  const [first] = group
  if (first === undefined) return
  const names = [...new Set(group.map(({ subject }) => subject))]
  const { style, at, subject, service } = first
  const end = `${style}, and the system's default is ${usual}: nobody says why`
  yield names.length === 1
    ? { at, subject, message: `\`${subject}\` is ${end}` }
    : { at: infoOf(at.file) ?? at, subject: service, message: `${names.length} operations of this document are ${end}` }
}

function keyPlaceOfInfo(root: Parameters<typeof keyPlace>[0] | undefined): SourceLocation | undefined {
  return root === undefined ? undefined : keyPlace(root, 'info')
}
