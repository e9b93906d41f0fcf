import { parseDuration } from '../guarantees/duration.ts'
import { Findings } from '../findings/findings.ts'
import { didYouMean, listed, nearest } from '../findings/nearest.ts'
import type { Integration } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import type { ReceiveOperation, SendOperation, SystemChannel } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import type { ServiceContent } from '../service/read-service.ts'
import { entriesAt, field, numberAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { SystemFile } from './read-files.ts'

const PARTITIONS = 8

/** A send and a receive are one integration where their channel addresses match. */
export function linkChannels(
  services: readonly ServiceContent[],
  files: readonly SystemFile[],
  findings: Findings,
): { channels: ReadonlyMap<string, SystemChannel>; integrations: readonly Integration[] } {
  const settings = channelSettings(files, findings)
  const addresses = new Map<string, SourceLocation>()
  for (const { channels } of services) {
    for (const [address, location] of channels) if (!addresses.has(address)) addresses.set(address, location)
  }
  const incomplete = services.some(({ names }) => names.incomplete)
  for (const [address, { keyAt }] of settings) {
    if (incomplete || addresses.has(address)) continue
    const hint = didYouMean(address, addresses.keys(), 'use the `address` of a channel')
    findings.error(keyAt, 'unknown-channel', `no document has a channel with the address \`${address}\``, hint)
  }
  const sends = services.flatMap((service) => [...service.sends.values()])
  const receives = services.flatMap((service) => [...service.receives.values()])
  const channels = [...addresses].map(([address, location]): [string, SystemChannel] => {
    const senders = sends.filter((one) => one.channel === address)
    const receivers = receives.filter((one) => one.channel === address)
    orderIsSent(senders, receivers, findings)
    const total = [...senders, ...receivers].find(({ guarantees }) => guarantees.values.ordering === 'total')
    const setting = settings.get(address)?.node
    const partitions = numberAt(setting, 'partitions')
    if (total !== undefined && partitions !== undefined && partitions !== 1) {
      const at = field(setting, 'partitions')?.at ?? location
      const message = `\`${total.service}.${total.operation}\` orders all of \`${address}\`, which takes one partition`
      findings.error(at, 'total-order-partitions', message, 'write `partitions: 1`, or order by a key')
    }
    return [
      address,
      {
        address,
        ordered: (senders.length > 0 ? senders : receivers).some(isOrdered),
        partitions: partitions ?? (total === undefined ? PARTITIONS : 1),
        ...optional('retentionMs', parseDuration(textAt(setting, 'retention') ?? '')),
        ...optional('maxBytes', numberAt(setting, 'maxBytes')),
        location,
        senders: senders.map(({ service, operation }) => ({ service, operation })),
        receivers: receivers.map(({ service, operation }) => ({ service, operation })),
      },
    ]
  })
  return {
    channels: new Map(channels),
    integrations: matchMessages(sends, receives, incomplete ? new Findings() : findings),
  }
}

interface ChannelSetting {
  readonly keyAt: SourceLocation
  readonly node: Node
}

function channelSettings(files: readonly SystemFile[], findings: Findings): ReadonlyMap<string, ChannelSetting> {
  const found = new Map<string, ChannelSetting>()
  for (const { root } of files) {
    for (const [address, { keyAt, value }] of entriesAt(root, 'channels')) {
      const first = found.get(address)
      if (first === undefined) found.set(address, { keyAt, node: value })
      else {
        const message = `\`${address}\` has settings in ${first.keyAt.file.split('/').slice(-2).join('/')} already`
        findings.error(keyAt, 'duplicate-channel', message, 'keep one of them')
      }
    }
  }
  return found
}

function isOrdered({ guarantees }: SendOperation | ReceiveOperation): boolean {
  return guarantees.values.ordering !== 'none'
}

/** The ordering key is set by the producer; a consumer cannot order by what was never sent. */
function orderIsSent(
  senders: readonly SendOperation[],
  receivers: readonly ReceiveOperation[],
  findings: Findings,
): void {
  const unordered = senders.find((sender) => !isOrdered(sender))
  if (unordered === undefined) return
  for (const receiver of receivers) {
    const at = receiver.guarantees.declared.ordering
    if (!isOrdered(receiver) || at === undefined) continue
    const { service, operation } = unordered
    const message = `\`${receiver.operation}\` relies on an order that \`${service}.${operation}\` does not send: it has no \`ordering\``
    findings.error(
      at,
      'ordering-key-is-sent',
      message,
      `add \`ordering\` to \`${service}.${operation}\`, or remove it here`,
    )
  }
}

function matchMessages(
  sends: readonly SendOperation[],
  receives: readonly ReceiveOperation[],
  findings: Findings,
): readonly Integration[] {
  const addresses = new Set(sends.map(({ channel }) => channel))
  return receives.flatMap((receive) => {
    const senders = sends.filter(({ channel }) => channel === receive.channel)
    if (senders.length === 0) addressIsMisspelt(receive, addresses, findings)
    return receive.messages.flatMap((message) => {
      const providers = senders.flatMap((send) => {
        const sent = send.messages.find(({ type }) => type === message.type)
        return sent === undefined ? [] : [{ send, sent }]
      })
      // A document that describes both sides of one application says nothing about the others.
      if (providers.length === 0 && senders.some(({ service }) => service !== receive.service)) {
        const types = senders.flatMap((send) => send.messages.map(({ type }) => type))
        const text = `nobody sends \`${message.type}\` on \`${receive.channel}\``
        const hint = didYouMean(message.type, types, `what is sent there: ${listed(types)}`)
        findings.warning(message.location, 'never-sent', text, hint)
      }
      return providers.map(({ send, sent }): Integration => {
        const { integration } = receive
        return {
          consumer: receive.service,
          provider: send.service,
          ref: `${send.service}.${sent.message}`,
          kind: 'message',
          channel: receive.channel,
          receive: receive.operation,
          style: integration?.style ?? 'messaging',
          ...optional('reason', integration?.reason),
          ...optional('until', integration?.until),
          location: receive.location,
        }
      })
    })
  })
}

/** A channel nobody sends to may belong to a service that is not included; one that is almost another is a mistake. */
function addressIsMisspelt(receive: ReceiveOperation, addresses: ReadonlySet<string>, findings: Findings): void {
  const meant = nearest(receive.channel, addresses, 2)
  if (meant === undefined) return
  const text = `nobody sends to \`${receive.channel}\`, which \`${receive.operation}\` receives from`
  findings.warning(receive.location, 'never-sent', text, `did you mean \`${meant}\`?`)
}
