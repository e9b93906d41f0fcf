/**
 * A journey as a tree, built from rows by what caused what:
 *
 *   request ─causes─▶ message ─is delivered to─▶ subscription ─causes─▶ message …
 *
 * A delivery's children are the messages and calls its service sent while handling it; a message nobody has received
 * yet is a leaf that says where it is.
 */
import type { JourneyNode } from './journey-node.ts'
import { outcomeOf, step } from './journey-sentences.ts'
import { text, textOf } from './detail-text.ts'
import type { HeldRow, InboxRow, JournalRow, JourneyRows, TakeoverRow } from './read-rows.ts'

export interface Receiver {
  service: string
  operation: string
}

interface MessageFacts {
  id: string
  source: string
  service: string
  type: string
  channel: string
  causation: string | undefined
  at: Date | undefined
  place: 'outbox' | 'sent' | 'seen'
  refused?: HeldRow
}

interface DeliveryFacts {
  subscription: string
  service: string
  message: MessageFacts
  inbox?: InboxRow
  held?: HeldRow
  journal: JournalRow[]
}

interface RequestFacts {
  id: string
  service: string
  operation: string
  journal: JournalRow[]
}

/** Builds the roots of a journey. `receivers` says who is declared to receive a type on a channel. */
export function journeyTree(
  rows: readonly JourneyRows[],
  receivers: (channel: string, type: string) => readonly Receiver[] = () => [],
): JourneyNode[] {
  return new Tree(rows, receivers).roots()
}

class Tree {
  readonly #receivers: (channel: string, type: string) => readonly Receiver[]
  readonly #messages = new Map<string, MessageFacts>()
  readonly #deliveries = new Map<string, DeliveryFacts>()
  readonly #requests = new Map<string, RequestFacts>()
  readonly #calls: { service: string; row: JournalRow }[] = []
  readonly #takeovers: TakeoverRow[] = []
  readonly #loose: { service: string; row: JournalRow }[] = []
  readonly #placed = new Set<object>()

  constructor(rows: readonly JourneyRows[], receivers: (channel: string, type: string) => readonly Receiver[]) {
    this.#receivers = receivers
    for (const one of rows) this.#readMessages(one)
    for (const one of rows) this.#readDeliveries(one)
    for (const one of rows) {
      this.#readJournal(one)
      this.#takeovers.push(...one.takeovers)
    }
  }

  roots(): JourneyNode[] {
    const roots: JourneyNode[] = []
    for (const request of this.#ordered(this.#requests.values(), (one) => one.journal[0]?.at)) {
      // A request that another service of this journey made stands below its call.
      if (!this.#placed.has(request) && !this.#calledBy(request)) roots.push(this.#request(request))
    }
    for (const message of this.#ordered(this.#messages.values(), (one) => one.at)) {
      if (!this.#placed.has(message) && !this.#causeKnown(message)) roots.push(...this.#message(message))
    }
    // Whatever a missing part of the journey would have explained.
    for (const message of this.#messages.values()) if (!this.#placed.has(message)) roots.push(...this.#message(message))
    for (const request of this.#requests.values()) if (!this.#placed.has(request)) roots.push(this.#request(request))
    for (const call of this.#calls) if (!this.#placed.has(call)) roots.push(this.#call(call))
    for (const { service, row } of this.#loose) roots.push({ ...step(row), service })
    return roots
  }

  #readMessages(rows: JourneyRows): void {
    for (const row of rows.sent) {
      this.#know(
        {
          id: row.message_id,
          source: row.source,
          type: row.type,
          channel: row.channel,
          place: 'sent',
        },
        row.attributes,
        row.sent_at,
      )
    }
    for (const { attributes, channel } of rows.outbox) {
      const [id, source, type] = [text(attributes['id']), text(attributes['source']), text(attributes['type'])]
      if (id === undefined || source === undefined) continue
      this.#know({ id, source, type: type ?? '?', channel, place: 'outbox' }, attributes)
    }
    for (const row of rows.held) {
      const facts = this.#know(
        { id: row.message_id, source: row.source, type: row.type, channel: row.channel, place: 'seen' },
        row.attributes,
      )
      if (row.side === 'producer') facts.refused = row
    }
    for (const row of rows.inbox) {
      const channel = row.subscription.slice(row.subscription.indexOf(':') + 1)
      this.#know({ id: row.message_id, source: row.source, type: row.type, channel, place: 'seen' }, {})
    }
  }

  #know(
    facts: Omit<MessageFacts, 'service' | 'causation' | 'at'>,
    attributes: Readonly<Record<string, unknown>>,
    sentAt?: Date,
  ): MessageFacts {
    const key = messageKey(facts.source, facts.id)
    const time = new Date(text(attributes['time']) ?? NaN)
    const known = this.#messages.get(key) ?? {
      ...facts,
      service: serviceOf(facts.source),
      causation: undefined,
      at: undefined,
    }
    // What its sender says goes before what a receiver saw; a row still in the outbox may have been published.
    if (facts.place === 'sent' || (facts.place === 'outbox' && known.place === 'seen')) known.place = facts.place
    known.causation ??= text(attributes['causationid'])
    // `sent_at` is when the relay noted that it was sent: its receiver may have been done by then.
    known.at ??= Number.isNaN(time.getTime()) ? sentAt : time
    this.#messages.set(key, known)
    return known
  }

  #readDeliveries(rows: JourneyRows): void {
    for (const row of rows.inbox)
      this.#delivery(rows.service, row.subscription, row.source, row.message_id, row.type).inbox = row
    for (const row of rows.held) {
      if (row.subscription !== null)
        this.#delivery(rows.service, row.subscription, row.source, row.message_id, row.type).held = row
    }
  }

  #delivery(service: string, subscription: string, source: string, id: string, type: string): DeliveryFacts {
    const key = `${subscription}\n${messageKey(source, id)}`
    const known = this.#deliveries.get(key)
    if (known !== undefined) return known
    const channel = subscription.slice(subscription.indexOf(':') + 1)
    const message = this.#know({ id, source, type, channel, place: 'seen' }, {})
    const made: DeliveryFacts = { subscription, service, message, journal: [] }
    this.#deliveries.set(key, made)
    return made
  }

  #readJournal(rows: JourneyRows): void {
    for (const row of rows.journal) {
      if (row.kind === 'call') this.#calls.push({ service: rows.service, row })
      else if (row.subscription !== null && row.message_id !== null && row.source !== null) {
        const type = this.#messages.get(messageKey(row.source, row.message_id))?.type ?? text(row.detail['type']) ?? '?'
        this.#delivery(rows.service, row.subscription, row.source, row.message_id, type).journal.push(row)
      } else if (row.operation !== null && row.message_id !== null) {
        const key = `${rows.service}\n${row.message_id}`
        const request = this.#requests.get(key) ?? {
          id: row.message_id,
          service: rows.service,
          operation: row.operation,
          journal: [],
        }
        request.journal.push(row)
        this.#requests.set(key, request)
      } else this.#loose.push({ service: rows.service, row })
    }
  }

  #request(request: RequestFacts): JourneyNode {
    this.#placed.add(request)
    const answered = request.journal.find((row) => row.kind === 'answered')
    const key = request.journal.map((row) => text(row.detail['key'])).find((one) => one !== undefined)
    const status = answered?.detail['status']
    const failed = typeof status === 'number' && status >= 400
    const at = request.journal[0]?.at
    const children: JourneyNode[] = []
    for (const row of request.journal) if (!['received', 'answered'].includes(row.kind)) children.push(step(row))
    children.push(...this.#caused(request.id, request.service))
    for (const copy of this.#copies(request, key)) children.push(this.#copy(copy))
    return {
      kind: 'request',
      text: [
        `${request.service}.${request.operation}`,
        status === undefined ? '' : ` ${textOf(status)}`,
        key === undefined ? '' : ` (key ${key})`,
      ].join(''),
      tone: failed ? 'bad' : 'plain',
      ...(at !== undefined && { at }),
      children: inTime(children),
      service: request.service,
      operation: request.operation,
      messageId: request.id,
      ...(status !== undefined && { outcome: textOf(status) }),
    }
  }

  /** Other requests with the same key: copies of this one. */
  #copies(request: RequestFacts, key: string | undefined): RequestFacts[] {
    if (key === undefined) return []
    return [...this.#requests.values()].filter((other) => {
      if (other === request || this.#placed.has(other)) return false
      if (other.service !== request.service || other.operation !== request.operation) return false
      return (
        other.journal.every((row) => row.kind !== 'answered') &&
        other.journal.some((row) => text(row.detail['key']) === key)
      )
    })
  }

  #copy(copy: RequestFacts): JourneyNode {
    this.#placed.add(copy)
    const [first, ...rest] = copy.journal.map(step)
    return { ...(first ?? { kind: 'step', text: 'came again', tone: 'quiet', children: [] }), children: rest }
  }

  #message(message: MessageFacts): JourneyNode[] {
    this.#placed.add(message)
    const common = { messageId: message.id, type: message.type, ...(message.at !== undefined && { at: message.at }) }
    if (message.refused !== undefined) {
      const why = message.refused.error ?? message.refused.reason ?? 'refused'
      return [
        {
          kind: 'message',
          text: `${message.type} cannot be sent by ${message.service}: ${why}`,
          tone: 'bad',
          children: [],
          ...common,
        },
      ]
    }
    const deliveries = [...this.#deliveries.values()].filter((one) => one.message === message)
    const nodes = deliveries.map((one) => this.#deliveryNode(one))
    if (message.place === 'outbox') {
      nodes.push({
        kind: 'message',
        text: `${message.type} in the outbox of ${message.service}, not sent yet`,
        tone: 'warn',
        children: [],
        ...common,
      })
    } else {
      for (const { service, operation } of this.#receivers(message.channel, message.type)) {
        if (deliveries.some((one) => one.service === service)) continue
        nodes.push({
          kind: 'message',
          text: `${message.type} → ${service}.${operation} on its way`,
          tone: 'warn',
          children: [],
          service,
          operation,
          ...common,
        })
      }
    }
    if (nodes.length === 0)
      nodes.push({
        kind: 'message',
        text: `${message.type} sent, received by nobody`,
        tone: 'quiet',
        children: [],
        ...common,
      })
    return nodes
  }

  #deliveryNode(delivery: DeliveryFacts): JourneyNode {
    const { message, inbox, held, journal } = delivery
    const operation = inbox?.operation ?? held?.operation ?? journal.find((row) => row.operation !== null)?.operation
    const declared = this.#receivers(message.channel, message.type).find(
      (one) => one.service === delivery.service,
    )?.operation
    const name = operation ?? declared
    const { word, tone } = outcomeOf(inbox, held)
    const began = message.at ?? inbox?.at ?? held?.held_at
    // Two machines have two clocks: nothing ends before it begins.
    const at = began !== undefined && inbox !== undefined && inbox.at < began ? inbox.at : began
    return {
      kind: 'delivery',
      text: `${message.type} → ${delivery.service}${name === undefined || name === null ? '' : `.${name}`}${word === '' ? '' : ` ${word}`}`,
      tone,
      ...(at !== undefined && { at }),
      ...(inbox !== undefined && at !== undefined && inbox.at > at && { until: inbox.at }),
      children: inTime([
        ...journal.map(step),
        ...this.#deaths(delivery),
        ...this.#caused(message.id, delivery.service),
      ]),
      service: delivery.service,
      ...(name !== undefined && name !== null && { operation: name }),
      messageId: message.id,
      type: message.type,
      outcome: inbox?.outcome ?? held?.state ?? 'unknown',
    }
  }

  /** Owners of its partition that died with it in their hands, or just after they had committed it. */
  #deaths({ subscription, message, inbox }: DeliveryFacts): JourneyNode[] {
    if (inbox === undefined) return []
    const nodes: JourneyNode[] = []
    for (const { at, partition, position, ...row } of this.#takeovers) {
      if (row.subscription !== subscription || partition !== inbox.partition) continue
      const offset = Number(inbox.offset)
      const before = at <= inbox.at && offset > position && (message.at === undefined || at >= message.at)
      // The last thing the dead one had committed was this: had its position not been in the same transaction, it
      // would have come again.
      const after = at > inbox.at && offset === position
      if (!before && !after) continue
      nodes.push({
        kind: 'step',
        text: before
          ? 'the owner of its partition died → taken over by another'
          : 'its process died after commit → taken over, not handled again',
        tone: 'warn',
        at,
        children: [],
        outcome: 'takeover',
      })
    }
    return nodes
  }

  /** What a service sent and called because of a request or message. */
  #caused(cause: string, service: string): JourneyNode[] {
    const nodes: JourneyNode[] = []
    for (const call of this.#calls) {
      if (call.service === service && call.row.causationid === cause && !this.#placed.has(call))
        nodes.push(this.#call(call))
    }
    for (const message of this.#ordered(this.#messages.values(), (one) => one.at)) {
      if (message.causation === cause && message.service === service && !this.#placed.has(message))
        nodes.push(...this.#message(message))
    }
    return nodes
  }

  #call(call: { service: string; row: JournalRow }): JourneyNode {
    this.#placed.add(call)
    const { row, service } = call
    const outcome = text(row.detail['outcome']) ?? 'ended'
    const status =
      row.detail['status'] === undefined || row.detail['status'] === null ? '' : ` ${textOf(row.detail['status'])}`
    const tries =
      typeof row.detail['tries'] === 'number' && row.detail['tries'] > 1 ? ` after ${row.detail['tries']} tries` : ''
    const answered = [...this.#requests.values()].find(
      (one) => !this.#placed.has(one) && `${one.service}.${one.operation}` === row.operation,
    )
    const good = outcome === 'ok'
    return {
      kind: 'call',
      text: `calls ${row.operation ?? '?'}${good ? '' : ` → ${outcome}${status}${tries}`}`,
      tone: good ? 'plain' : 'bad',
      at: began(row),
      children: answered === undefined ? [] : [this.#request(answered)],
      service,
      ...(row.operation !== null && { operation: row.operation }),
      outcome,
    }
  }

  #calledBy(request: RequestFacts): boolean {
    return this.#calls.some(
      ({ row, service }) => service !== request.service && row.operation === `${request.service}.${request.operation}`,
    )
  }

  #causeKnown(message: MessageFacts): boolean {
    if (message.causation === undefined) return false
    if (this.#requests.has(`${message.service}\n${message.causation}`)) return true
    return [...this.#deliveries.values()].some(
      (one) => one.service === message.service && one.message.id === message.causation,
    )
  }

  #ordered<T>(items: Iterable<T>, at: (item: T) => Date | undefined): T[] {
    return [...items].sort((a, b) => (at(a)?.getTime() ?? 0) - (at(b)?.getTime() ?? 0))
  }
}

/** When a call began; its row was written when what it led to was committed. */
function began({ at, detail }: JournalRow): Date {
  const said = text(detail['at'])
  return said === undefined ? at : new Date(said)
}

function inTime(nodes: JourneyNode[]): JourneyNode[] {
  return nodes
    .map((node, index) => ({ node, index }))
    .sort((a, b) => (a.node.at?.getTime() ?? Infinity) - (b.node.at?.getTime() ?? Infinity) || a.index - b.index)
    .map(({ node }) => node)
}

function messageKey(source: string, id: string): string {
  return `${source}\n${id}`
}

/** `orders` of `/shop/orders`. */
function serviceOf(source: string): string {
  return source.slice(source.lastIndexOf('/') + 1)
}
