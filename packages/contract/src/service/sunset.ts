import type { Findings } from '../findings/findings.ts'
import { checkShape } from '../shape/check-shape.ts'
import { field, flagAt, text } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { date } from '../vocabulary/x-integration.ts'

/** `x-sunset`: when a deprecated operation or message ends. */
export function readSunset(node: Node, findings: Findings): string | undefined {
  const sunset = field(node, 'x-sunset')
  if (sunset === undefined) return undefined
  checkShape(sunset, date, 'x-sunset', { definitions: {}, findings })
  if (flagAt(node, 'deprecated') !== true) {
    const message = '`x-sunset` without `deprecated: true`'
    findings.warning(sunset.at, 'sunset-without-deprecation', message, 'add `deprecated: true`')
  }
  return text(sunset)
}
