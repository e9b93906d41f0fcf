/** What of a contract stands in tables: channels, subscriptions and their partitions, as SQL that can run any time. */
import { deadLetterChannel } from '../contract/dead-letter-channel.ts'
import type { ServiceContract } from '../contract/service-contract.ts'
import { literal } from './migrations.ts'

export interface ChannelRegistration {
  address: string
  ordered: boolean
  /** fixed for the life of the channel */
  partitions: number
  /** of one message; absent: the transport's own limit */
  maxBytes?: number
}

interface SubscriptionRegistration {
  /** `<service>:<channel address>` */
  name: string
  channel: string
}

export interface ServiceRegistration {
  service: string
  source: string
  version: string
  /** every channel this service sends to or receives from, those of its dead letters included */
  channels: readonly ChannelRegistration[]
  subscriptions: readonly SubscriptionRegistration[]
}

export interface StreamRegistration {
  channels: readonly ChannelRegistration[]
  subscriptions: readonly SubscriptionRegistration[]
  /** messages a channel keeps before it refuses more; default 1,000,000; only for channels that are new */
  maxMessages?: number
}

const defaultMaxMessages = 1_000_000

/** The name of a service's reading of a channel. */
function subscriptionName(service: string, channel: string): string {
  return `${service}:${channel}`
}

export function registrationOf(contract: ServiceContract): ServiceRegistration {
  const { service, source, version } = contract
  const used = new Set<string>()
  const received = new Set<string>()
  for (const { channel } of Object.values(contract.sends)) used.add(channel)
  for (const { channel, guarantees } of Object.values(contract.receives)) {
    used.add(channel)
    received.add(channel)
    const copies = deadLetterChannel(guarantees)
    if (copies !== undefined) used.add(copies)
  }
  // A generated contract lists the channels of dead letters; one written by hand may not.
  const listed = new Set(Object.values(contract.channels).map(({ address }) => address))
  const unlisted = [...used].filter((address) => !listed.has(address))
  const channels: ChannelRegistration[] = Object.values(contract.channels)
    .filter(({ address }) => used.has(address))
    .map(({ address, ordered, partitions, maxBytes }) => ({
      address,
      ordered,
      partitions,
      ...(maxBytes !== undefined && { maxBytes }),
    }))
  channels.push(...unlisted.map((address) => ({ address, ordered: false, partitions: 8 })))
  const subscriptions = [...received].map((channel) => ({ name: subscriptionName(service, channel), channel }))
  return { service, source, version, channels, subscriptions }
}

export function serviceRegistrationSql(registration: ServiceRegistration): string {
  const { service, source, version, channels, subscriptions } = registration
  const lines = [
    `insert into spandrel.service (name, source, version)
  values (${literal(service)}, ${literal(source)}, ${literal(version)})
  on conflict ((true)) do update set source = excluded.source, version = excluded.version;`,
    `delete from spandrel.channels where address <> all (array[${channels.map(({ address }) => literal(address)).join(', ')}]::text[]);`,
  ]
  for (const { address, ordered, partitions } of channels) {
    lines.push(`insert into spandrel.channels (address, ordered, partitions) values (${literal(address)}, ${ordered}, ${partitions})
  on conflict (address) do update set ordered = excluded.ordered;`)
  }
  for (const { name, channel } of subscriptions) {
    const count = channels.find(({ address }) => address === channel)?.partitions ?? 0
    lines.push(
      `insert into spandrel.subscriptions (name, channel) values (${literal(name)}, ${literal(channel)}) on conflict do nothing;`,
      `insert into spandrel.partitions (subscription, partition)
  select ${literal(name)}, p from generate_series(0, ${count - 1}) p on conflict do nothing;`,
    )
  }
  return `${lines.join('\n')}\n`
}

export function streamRegistrationSql(registration: StreamRegistration): string {
  const { channels, subscriptions, maxMessages = defaultMaxMessages } = registration
  const lines: string[] = []
  for (const { address, partitions, maxBytes } of channels) {
    lines.push(
      `insert into spandrel_stream.channels (address, partitions, max_messages, max_bytes)
  values (${literal(address)}, ${partitions}, ${maxMessages}, ${maxBytes ?? 'null'})
  on conflict (address) do update set max_bytes = excluded.max_bytes;`,
      `insert into spandrel_stream.heads (channel, partition)
  select id, p from spandrel_stream.channels, generate_series(0, partitions - 1) p where address = ${literal(address)}
  on conflict do nothing;`,
    )
  }
  for (const { name, channel } of subscriptions) {
    // A subscription starts at the oldest message that is kept.
    lines.push(
      `insert into spandrel_stream.subscriptions (name, channel)
  select ${literal(name)}, id from spandrel_stream.channels where address = ${literal(channel)} on conflict do nothing;`,
      `insert into spandrel_stream.positions (name, channel, partition, position)
  select ${literal(name)}, h.channel, h.partition, h.tail
  from spandrel_stream.heads h join spandrel_stream.channels c on c.id = h.channel where c.address = ${literal(channel)}
  on conflict do nothing;`,
    )
  }
  return `${lines.join('\n')}\n`
}
