import type { HttpOperation } from '../model/operation.ts'
import type { ContractDocument, Service } from '../model/system.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Subject } from './changes.ts'
import { checkGuarantees } from './checks/guarantees/guarantees.ts'
import { checkIntegration } from './checks/integration-terms.ts'
import { checkLifecycle } from './checks/lifecycle.ts'
import { checkAddresses } from './checks/messaging/addresses.ts'
import { checkAsyncOperations } from './checks/messaging/async-operations.ts'
import type { AsyncOperation, AsyncPair } from './checks/messaging/async-pair.ts'
import { asyncLabel, messageDirection } from './checks/messaging/async-pair.ts'
import { checkBindings } from './checks/messaging/bindings.ts'
import { checkChannelServers } from './checks/messaging/channel-servers.ts'
import { checkMessages } from './checks/messaging/messages.ts'
import { checkReply } from './checks/messaging/reply.ts'
import { checkStoredMessages } from './checks/messaging/stored-messages.ts'
import { checkCallbackAddresses, checkOperations } from './checks/operations.ts'
import { checkParameters } from './checks/parameters.ts'
import { checkRequestBody } from './checks/request-body.ts'
import { checkResponses } from './checks/responses.ts'
import { checkSecurity } from './checks/security.ts'
import { checkOperationServers, checkServers } from './checks/servers.ts'
import type { ServiceComparison } from './comparison.ts'
import { paired } from './comparison.ts'
import type { Consumer } from './model.ts'
import { union } from './consumers.ts'
import type { HttpPair } from './http-pair.ts'
import { httpLabel } from './http-pair.ts'
import { twinOf } from './verdict.ts'

/** One service on both sides: its HTTP operations, its webhooks, its messages. */
export function diffService(base: Service, revision: Service, comparison: ServiceComparison): void {
  for (const [index, document] of revision.documents.entries()) {
    const before = twinOf(document, index, base.documents)
    const subject = { service: revision.name, owner: revision.owner, ref: revision.name, label: document.title }
    if (before === undefined) continue
    checkServers(before, document, { ...subject, document: document.file }, comparison)
    checkServerSecurity(before, document, { ...subject, document: document.file }, revision, comparison)
  }
  diffHttpOperations(base, revision, comparison)
  diffMessaging(base, revision, comparison)
}

/** Of the servers that both have: what they ask of whoever connects, which is not the application alone. */
function checkServerSecurity(
  base: ContractDocument,
  revision: ContractDocument,
  subject: Subject,
  service: Service,
  comparison: ServiceComparison,
): void {
  const { both } = paired(base.serverSecurity ?? [], revision.serverSecurity ?? [], ({ server }) => server)
  for (const [before, after] of both) {
    const others = [...Object.values(service.sends), ...Object.values(service.receives)]
      .filter(({ location }) => location.file === revision.file)
      .flatMap((operation) => reliersOf(operation, service.name, comparison))
    const sides = { base: before.security, revision: after.security, at: after.location, baseAt: before.location }
    const words = { place: `server ${after.server} security`, who: 'a client', act: `connect to ${after.server}` }
    checkSecurity({ ...sides, ...words, subject, consumers: perhaps(union(others)) }, comparison)
  }
}

/** Whether somebody connects to the same server, and so has to prove the same, its own document says, or nobody. */
function perhaps(consumers: readonly Consumer[]): readonly Consumer[] {
  return consumers.map((one) => ({
    ...one,
    broken: 'unknown',
    because: `${one.because}, and may connect to the same server`,
  }))
}

function diffHttpOperations(base: Service, revision: Service, comparison: ServiceComparison): void {
  const at = documentOf('openapi', revision)?.location ?? revision.location
  const subject = (operation: HttpOperation): Subject => ({
    service: revision.name,
    owner: operation.integration?.owner ?? revision.owner,
    ref: `${revision.name}.${operation.operation}`,
    label: httpLabel(operation),
    document: documentOf('openapi', revision, operation.location)?.file,
    consumers: comparison.landscape.callers(revision.name, operation.operation),
  })
  const served = { base: Object.values(base.operations), revision: Object.values(revision.operations) }
  const hooks = { base: base.webhooks, revision: revision.webhooks }
  const pairs = [
    ...checkOperations({ ...served, role: 'serves', at, subject }, comparison),
    ...checkOperations({ ...hooks, role: 'calls', at, subject }, comparison),
  ]
  for (const pair of pairs) {
    diffHttp(pair, comparison)
    if (pair.role === 'calls') continue
    const servers = (service: Service, { location }: HttpOperation): readonly string[] =>
      documentOf('openapi', service, location)?.servers ?? []
    const shared = { base: servers(base, pair.base), revision: servers(revision, pair.revision) }
    checkOperationServers(pair, shared, comparison)
    const called = checkOperations(
      {
        base: callbacksOf(pair.base),
        revision: callbacksOf(pair.revision),
        role: 'calls',
        at: pair.revision.location,
        identity: ({ operation, method }) => `${operation} ${method}`,
        subject: (operation) => ({ ...pair.subject, label: `${pair.subject.label} callback ${operation.path}` }),
      },
      comparison,
    )
    for (const callback of called) diffHttp(callback, comparison)
    checkCallbackAddresses(pair, comparison)
  }
}

function diffHttp(pair: HttpPair, comparison: ServiceComparison): void {
  const { base, revision, subject } = pair
  checkParameters(pair, comparison)
  checkRequestBody(pair, comparison)
  checkResponses(pair, comparison)
  if (pair.role === 'serves') {
    const sides = { base: base.security, revision: revision.security, at: revision.location, baseAt: base.location }
    checkSecurity({ ...sides, subject, place: 'security', who: 'a caller', act: 'call it' }, comparison)
  }
  checkLifecycle(httpLabel(revision), base, revision, subject, comparison)
  checkIntegration(base.integration, revision.integration, revision.location, subject, comparison)
  const guarantees = { base: base.guarantees, revision: revision.guarantees }
  checkGuarantees({ kind: 'http', ...guarantees, at: revision.location, baseAt: base.location, subject }, comparison)
}

function callbacksOf({ callbacks }: HttpOperation): readonly HttpOperation[] {
  return callbacks.flatMap(({ operations }) => operations)
}

function diffMessaging(base: Service, revision: Service, comparison: ServiceComparison): void {
  const at = documentOf('asyncapi', revision)?.location ?? revision.location
  const subject = (operation: AsyncOperation): Subject => ({
    service: revision.name,
    owner: operation.integration?.owner ?? revision.owner,
    ref: `${revision.name}.${operation.operation}`,
    label: asyncLabel(operation),
    document: documentOf('asyncapi', revision, operation.location)?.file,
    consumers: reliersOf(operation, revision.name, comparison),
  })
  const all = (service: Service): AsyncOperation[] => [
    ...Object.values(service.sends),
    ...Object.values(service.receives),
  ]
  const pairs = checkAsyncOperations({ base: all(base), revision: all(revision), at, subject }, comparison)
  for (const [before, after] of pairs) {
    diffAsync({ base: before, revision: after, service: { base, revision }, subject: subject(before) }, comparison)
  }
}

function diffAsync(pair: AsyncPair, comparison: ServiceComparison): void {
  const { base, revision, subject } = pair
  checkAddresses(pair, comparison)
  const direction = messageDirection(pair)
  const sides = { base: base.messages, revision: revision.messages, direction, what: 'message' }
  const messages = checkMessages(sides, pair, comparison)
  checkStoredMessages(pair, messages, comparison)
  checkReply(pair, comparison)
  checkBindings(pair, messages, comparison)
  checkChannelServers(pair, comparison)
  checkSecurity(
    {
      base: base.security,
      revision: revision.security,
      at: revision.location,
      baseAt: base.location,
      subject,
      place: 'security',
      who: 'a client',
      act: 'use it',
      consumers: perhaps(reliersOf(base, revision.service, comparison)),
    },
    comparison,
  )
  checkLifecycle(`the ${asyncLabel(revision)}`, base, revision, subject, comparison)
  checkIntegration(base.integration, revision.integration, revision.location, subject, comparison)
  const guarantees = { base: base.guarantees, revision: revision.guarantees }
  checkGuarantees(
    { kind: revision.kind, ...guarantees, at: revision.location, baseAt: base.location, subject },
    comparison,
  )
}

/** Everybody at the other end of an operation, for changes that no schema can judge. */
function reliersOf(operation: AsyncOperation, service: string, { landscape }: ServiceComparison) {
  return union(
    ...operation.messages.map(({ message, type }) =>
      operation.kind === 'send'
        ? landscape.readers(service, message)
        : landscape.senders(service, operation.channel, type),
    ),
  )
}

/** The document that an element stands in; one that is only referred to belongs to the first of its kind. */
function documentOf(
  kind: ContractDocument['kind'],
  { documents }: Service,
  at?: SourceLocation,
): ContractDocument | undefined {
  return documents.find(({ file }) => file === at?.file) ?? documents.find((one) => one.kind === kind)
}
