import type { Expression } from '../model/expression.ts'
import { pointerSteps } from '../source/pointer.ts'

const named = /^\$request\.(header|query|path)\.(\S+)$/
const pointed = /^\$(request\.body|request\.jwt|message\.payload|message\.header)(?:#(.*))?$/
const attribute = /^\$event\.([a-z0-9]+)$/

/** The grammar of guarantees.md, "Expressions"; undefined where the text is none. */
export function parseExpression(text: string): Expression | undefined {
  const [, place, name] = named.exec(text) ?? []
  if (name !== undefined) return { source: `request.${place as 'header' | 'query' | 'path'}`, name }
  const [, source, fragment = ''] = pointed.exec(text) ?? []
  if (source !== undefined) {
    const pointer = pointerSteps(fragment)
    return pointer && { source: source as 'request.body', pointer }
  }
  const [, event] = attribute.exec(text) ?? []
  return event === undefined ? undefined : { source: 'event', attribute: event }
}

/** As it would be written. */
export function expressionText(expression: Expression): string {
  if (expression.source === 'event') return `$event.${expression.attribute}`
  if ('name' in expression) return `$${expression.source}.${expression.name}`
  const pointer = expression.pointer.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return `$${expression.source}${pointer === '' ? '' : `#${pointer}`}`
}
