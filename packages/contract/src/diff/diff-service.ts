import type { HttpOperation } from '../model/operation.ts'
import type { Service } from '../model/system.ts'
import type { Subject } from './changes.ts'
import { checkLifecycle } from './checks/lifecycle.ts'
import { checkOperations } from './checks/operations.ts'
import { checkParameters } from './checks/parameters.ts'
import { checkRequestBody } from './checks/request-body.ts'
import { checkResponses } from './checks/responses.ts'
import { checkSecurity } from './checks/security.ts'
import type { ServiceComparison } from './comparison.ts'
import type { HttpPair } from './http-pair.ts'
import { httpLabel } from './http-pair.ts'

/** One service on both sides: its HTTP operations, its webhooks, its messages. */
export function diffService(base: Service, revision: Service, comparison: ServiceComparison): void {
  const at = revision.documents[0]?.location ?? revision.location
  const subject = (operation: HttpOperation): Subject => ({
    service: revision.name,
    owner: operation.integration?.owner ?? revision.owner,
    ref: `${revision.name}.${operation.operation}`,
    label: httpLabel(operation),
    document: documentOf(operation, revision),
    consumers: comparison.landscape.callers(revision.name, operation.operation),
  })
  const served = { base: Object.values(base.operations), revision: Object.values(revision.operations) }
  const hooks = { base: base.webhooks, revision: revision.webhooks }
  const pairs = [
    ...checkOperations({ ...served, role: 'serves', at, subject }, comparison),
    ...checkOperations({ ...hooks, role: 'calls', at, subject }, comparison),
  ]
  for (const pair of pairs) diffHttp(pair, comparison)
}

function diffHttp(pair: HttpPair, comparison: ServiceComparison): void {
  checkParameters(pair, comparison)
  checkRequestBody(pair, comparison)
  checkResponses(pair, comparison)
  checkSecurity(pair, comparison)
  checkLifecycle(httpLabel(pair.revision), pair.base, pair.revision, pair.subject, comparison)
}

function documentOf({ location }: HttpOperation, { documents }: Service): string | undefined {
  return documents.find(({ file }) => file === location.file)?.file ?? documents[0]?.file
}
