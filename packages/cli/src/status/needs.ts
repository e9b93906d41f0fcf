/** What of a status needs a person, and the next command. What mends itself is not among it. */
import { count, span } from '../output/table.ts'
import type { ServiceState } from './service-state.ts'
import { isAway, type ServiceStatus, type SystemStatus } from './system-status.ts'

export interface Need {
  /** a service, `stream`, or `gateway` */
  about: string
  what: string
  do: string
}

/** An outbox or a subscription that is behind for longer has nobody who works on it, or somebody who fails. */
const longSeconds = 60
/** Past this share of its room a channel is about to refuse. */
const nearlyFull = 0.9

export function needsOf(status: SystemStatus): Need[] {
  const needs = status.services.flatMap((service) => [...ofHttp(service), ...ofDatabase(service), ...ofLag(service)])
  const { stream, gateway } = status
  if (isAway(gateway)) needs.push({ about: 'gateway', what: gateway.what, do: gateway.fix ?? 'start its server' })
  if (stream === undefined) return needs
  if (isAway(stream)) return [...needs, { about: 'stream', what: stream.what, do: stream.fix ?? 'start its server' }]
  for (const { channel, fill } of stream.channels) {
    if (fill < nearlyFull) continue
    const full = fill >= 1 ? 'is full: outboxes wait' : `is full to ${Math.round(fill * 100)} %`
    needs.push({
      about: 'stream',
      what: `channel ${channel} ${full}`,
      do: 'see which subscription is behind; one that nobody reads any more keeps everything: `spandrel doctor`',
    })
  }
  return needs
}

function ofHttp({ name, http }: ServiceStatus): Need[] {
  if (http === undefined) return []
  const need = (what: string, todo: string): Need => ({ about: name, what, do: todo })
  if (http.state === 'unreachable')
    return [
      need(`cannot be reached at ${http.url}: ${http.why ?? ''}`, 'start it, or correct its url for where you are'),
    ]
  const needs =
    http.state === 'not ready' ? [need('is not ready', 'look into its log: it is starting or stopping')] : []
  for (const { loop, message } of http.failing ?? [])
    needs.push(
      need(`its ${loop} is failing: ${message}`, `look into its log; ${http.url}/.spandrel/health says since when`),
    )
  return needs
}

function ofDatabase(service: ServiceStatus): Need[] {
  const { name, database, sends, foreign } = service
  if (database === undefined) return []
  if (isAway(database)) return [{ about: name, what: database.what, do: database.fix ?? 'start its server' }]
  const needs: Need[] = []
  const { unsent, oldestUnsentSeconds: age, relay, held, positions, openTransaction: open } = database
  if (sends && age !== null && age > longSeconds) {
    const working = relay?.working === true
    needs.push({
      about: name,
      what: `${count(unsent, 'message')} unsent, the oldest for ${span(age * 1000)}, and ${working ? 'a relay works' : 'no relay works'}`,
      do: working
        ? 'look into the relay’s log: the stream refuses, or a long transaction hides the rest'
        : foreign
          ? `run \`spandrel serve relay --service ${name}\``
          : `start ${name}: its relay runs in it`,
    })
  }
  for (const { state, side, operation, channel, count: number, oldestSeconds } of held) {
    if (state !== 'dead') continue
    const place = side === 'producer' ? `to ${channel}` : `of ${name}.${operation ?? channel}`
    needs.push({
      about: name,
      what: `${count(number, 'dead letter')} ${place}, the oldest for ${span(oldestSeconds * 1000)}`,
      do: `spandrel messages list --service ${name} --state dead`,
    })
  }
  for (const { subscription, partition, stopped } of positions) {
    if (stopped === null) continue
    needs.push({
      about: name,
      what: `${subscription}, partition ${partition} has stopped: ${stopped}`,
      do: 'docs/operations/positions.md says what to do',
    })
  }
  if (open !== null && open.seconds > longSeconds) {
    needs.push({
      about: name,
      what: `a transaction has been open for ${span(open.seconds * 1000)} (${open.application || 'no name'}, pid ${open.pid}, ${open.state})`,
      do: `end it, or \`select pg_terminate_backend(${open.pid})\`: dead rows pile up behind it`,
    })
  }
  return needs
}

function ofLag({ name, lag, database }: ServiceStatus): Need[] {
  return lag.flatMap(({ subscription, behind, oldestSeconds }) => {
    if (behind === 0 || (oldestSeconds ?? 0) < longSeconds) return []
    const owned = readers(database, subscription)
    return [
      {
        about: name,
        what: `${subscription} is ${count(behind, 'message')} behind, the oldest for ${span((oldestSeconds ?? 0) * 1000)}, and ${owned ? 'somebody reads' : 'nobody reads'}`,
        do: owned
          ? 'add replicas, or see what holds its handler up'
          : 'start it, or `spandrel serve push` where it has `events`',
      },
    ]
  })
}

function readers(database: ServiceStatus['database'], subscription: string): boolean {
  if (database === undefined || isAway(database)) return false
  const { positions }: ServiceState = database
  return positions.some((one) => one.subscription === subscription && one.owned)
}
