import type { AsyncSecurityAlternative, AsyncSecurityScheme } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import { flowsOf } from '../openapi/security.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesOf, field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { pointerSteps } from '../source/pointer.ts'

/**
 * What a server or an operation asks for. AsyncAPI 3 lists schemes, each enough by itself, with the scopes inside;
 * AsyncAPI 2 lists requirements, `{ name: [scopes] }`, each with all of its schemes together.
 */
export function readAsyncSecurity(
  owner: Node | undefined,
  root: Node,
  reading: Reading,
): readonly AsyncSecurityAlternative[] {
  return listAt(owner, 'security').map((item) => {
    if (field(item, '$ref') !== undefined || field(item, 'type') !== undefined) {
      const node = follow(item, reading)
      return { schemes: node === undefined ? [] : [{ scheme: schemeAt(node), scopes: textsAt(node, 'scopes') }] }
    }
    const declared = field(field(root, 'components'), 'securitySchemes')
    return {
      schemes: entriesOf(item).map(([name, { keyAt, value }]) => {
        const node = follow(field(declared, name), reading)
        const scheme = node === undefined ? { name, location: keyAt } : { ...schemeAt(node), name }
        return { scheme, scopes: value.kind === 'list' ? value.items.flatMap((one) => text(one) ?? []) : [] }
      }),
    }
  })
}

function schemeAt(node: Node): AsyncSecurityScheme {
  const steps = pointerSteps(node.at.pointer) ?? []
  const type = textAt(node, 'type')
  const name = steps.at(-2) === 'securitySchemes' ? steps.at(-1) : undefined
  return {
    name: name ?? type ?? 'security',
    ...optional('type', type),
    ...optional('in', textAt(node, 'in')),
    ...optional('parameter', textAt(node, 'name')),
    ...optional('scheme', textAt(node, 'scheme')?.toLowerCase()),
    ...optional('openIdConnectUrl', textAt(node, 'openIdConnectUrl')),
    ...optional('flows', flowsOf(node)),
    location: placeOf(node),
  }
}

function textsAt(node: Node, key: string): readonly string[] {
  return listAt(node, key).flatMap((one) => text(one) ?? [])
}
