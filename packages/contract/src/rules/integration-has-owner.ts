import { ownerOf, servicesOf, touchedFiles } from './operations.ts'
import type { Rule } from './rule.ts'

export const integrationHasOwner: Rule = {
  id: 'integration-has-owner',
  severity: 'warning',
  area: 'governance',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: 'somebody answers for each side of an integration',
  why:
    'A contract that breaks needs somebody to talk to. Without an owner, `diff` and `impact` can say which consumer a ' +
    'change breaks, but not whom to ask.',
  fix: 'add `owner:` to the service, or `x-integration: { owner: … }` to the `info` of its contract',
  *check({ system }) {
    const touched = touchedFiles(system)
    for (const service of servicesOf(system)) {
      if (service.external || ownerOf(service) !== undefined) continue
      // Workflows name services, and are none.
      if (service.documents.every(({ kind }) => kind === 'arazzo')) continue
      const begun = service.documents.some(({ file }) => touched.has(file))
      yield {
        at: service.location,
        subject: service.name,
        message: `\`${service.name}\` has no owner`,
        ...(begun ? {} : { severity: 'info' as const }),
      }
    }
  },
}
