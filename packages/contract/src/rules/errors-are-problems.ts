import { httpOf, nameOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const errorsAreProblems: Rule = {
  id: 'errors-are-problems',
  severity: 'warning',
  area: 'failure',
  formats: ['openapi'],
  law: 'an error is answered as application/problem+json',
  why:
    'A caller decides by the answer whether to try again, to correct the request, or to give up. With a format of its own ' +
    'for every service, that decision is written anew for each, and mostly guessed. RFC 9457 is one format, and its ' +
    '`type` is a stable name for what went wrong.',
  fix: 'describe the answer with `application/problem+json`',
  *check({ system }) {
    for (const operation of httpOf(system)) {
      if (system.services[operation.service]?.external === true) continue
      const wrong = Object.values(operation.responses).find(
        ({ status, content }) =>
          /^[45]/.test(status) &&
          content.length > 0 &&
          !content.some(({ contentType }) => /^application\/problem\+(json|xml)/i.test(contentType)),
      )
      if (wrong === undefined) continue
      const types = wrong.content.map(({ contentType }) => contentType).join(', ')
      yield {
        at: wrong.location.file === operation.location.file ? wrong.location : operation.location,
        subject: nameOf(operation),
        message: `${operation.method} ${operation.path} answers ${wrong.status} as ${types}`,
        absence: true,
      }
    }
  },
}
