/** A status as a person reads it: a line a service, and what needs somebody below it. */
import type { Paint } from '../output/output.ts'
import { count, span, table } from '../output/table.ts'
import type { Need } from './needs.ts'
import type { ServiceState } from './service-state.ts'
import type { GatewayState } from './gateway-state.ts'
import { type Away, isAway, type ServiceStatus, type SystemStatus } from './system-status.ts'

export function statusLines(status: SystemStatus, needs: readonly Need[], paint: Paint): string[] {
  const head = ['SERVICE', 'HTTP', 'DATABASE', 'OUTBOX', 'RELAY', 'RECEIVES', 'HELD', 'OLDEST TRANSACTION']
  const rows = status.services.map((service) => rowOf(service, paint))
  if (status.stream !== undefined) {
    const fullest = isAway(status.stream) ? undefined : Math.max(0, ...status.stream.channels.map(({ fill }) => fill))
    rows.push([
      'stream',
      '–',
      fullest === undefined ? paint('red', 'away') : 'ok',
      fullest === undefined ? '' : `full to ${Math.round(fullest * 100)} %`,
    ])
  }
  const lines = table([head.map((text) => paint('dim', text)), ...rows])
  if (status.gateway !== undefined) lines.push('', `keys of the gateway: ${keysText(status.gateway, paint)}`)
  lines.push('')
  if (needs.length > 0) {
    lines.push(paint('bold', 'Needs a person'))
    for (const need of needs) lines.push(`  ${paint('red', need.about)}: ${need.what}`, `    do   ${need.do}`)
    lines.push('')
  }
  const looked = status.services.filter(({ database }) => database !== undefined && !isAway(database)).length
  const databases = status.services.filter(({ database }) => database !== undefined).length
  const seen = `${count(status.services.length, 'service')}, ${looked} of ${count(databases, 'database')} looked into`
  lines.push(needs.length === 0 ? `nothing needs a person: ${seen}` : `${count(needs.length, 'thing')} to do: ${seen}`)
  return lines
}

function keysText(gateway: GatewayState | Away, paint: Paint): string {
  if (isAway(gateway)) return paint('red', 'away')
  const { open, unknown, done, partly } = gateway
  const of = partly ? `, of the first ${open + unknown + done}` : ''
  return `${open} open, ${unknown === 0 ? '0 unknown' : paint('yellow', `${unknown} unknown`)}, ${done} done${of}`
}

function rowOf(service: ServiceStatus, paint: Paint): string[] {
  const { name, database, http } = service
  const row = [name, httpText(http, paint)]
  if (database === undefined) return [...row, '–']
  if (isAway(database)) return [...row, paint('red', 'away')]
  return [
    ...row,
    `schema ${database.migration}`,
    outboxText(database, service.sends),
    relayText(database, service.sends),
    receivesText(service, database),
    heldText(database, paint),
    transactionText(database),
  ]
}

function httpText(http: ServiceStatus['http'], paint: Paint): string {
  if (http === undefined) return '–'
  if (http.state === 'unreachable') return paint('red', 'unreachable')
  if (http.state === 'not ready') return paint('red', 'not ready')
  if (http.failing !== undefined) return paint('red', `${http.state}, failing`)
  return http.state === 'ready' && http.health === undefined ? 'ready, health unread' : http.state
}

function outboxText({ unsent, unsentMany, oldestUnsentSeconds }: ServiceState, sends: boolean): string {
  if (!sends && unsent === 0) return '–'
  if (unsent === 0) return 'empty'
  return `${unsent}${unsentMany ? '+' : ''}, oldest ${span((oldestUnsentSeconds ?? 0) * 1000)}`
}

/** A lease that runs is renewed by every look at the outbox: whoever holds it succeeded within the last seconds. */
function relayText({ relay, lastSentSeconds }: ServiceState, sends: boolean): string {
  if (!sends && relay === null) return '–'
  const sent = lastSentSeconds === null ? '' : `, sent ${span(lastSentSeconds * 1000)} ago`
  if (relay === null) return 'never ran'
  if (relay.working) return `works (${relay.owner?.slice(0, 8) ?? ''})${sent}`
  return relay.seconds === null ? `nobody${sent}` : `nobody for ${span(relay.seconds * 1000)}${sent}`
}

function receivesText({ lag }: ServiceStatus, { positions }: ServiceState): string {
  if (positions.length === 0 && lag.length === 0) return '–'
  const owned = positions.filter((one) => one.owned).length
  const behind = lag.reduce((total, one) => total + one.behind, 0)
  const oldest = Math.max(0, ...lag.map(({ oldestSeconds }) => oldestSeconds ?? 0))
  const how = behind === 0 ? 'up to date' : `${behind} behind, oldest ${span(oldest * 1000)}`
  return lag.length === 0 ? `${owned} of ${positions.length} read` : `${how}, ${owned} of ${positions.length} read`
}

/** There is always one of a moment. */
function transactionText({ openTransaction: open }: ServiceState): string {
  return open === null || open.seconds < 1 ? '–' : span(open.seconds * 1000)
}

function heldText({ held }: ServiceState, paint: Paint): string {
  const parts = (['dead', 'retrying', 'waiting'] as const).flatMap((state) => {
    const number = held.filter((one) => one.state === state).reduce((total, one) => total + one.count, 0)
    return number === 0 ? [] : [paint(state === 'dead' ? 'red' : 'yellow', `${number} ${state}`)]
  })
  return parts.length === 0 ? 'none' : parts.join(', ')
}
