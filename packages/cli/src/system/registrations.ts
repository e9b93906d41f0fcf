/** What `migrate` writes of a system's contracts into tables: channels and subscriptions. */
import type { Service, System } from '@spandrel/contract'
import type { ServiceRegistration, StreamRegistration } from '@spandrel/runtime/operate'

/** Whether a service has tables of ours: it sends or receives messages, or keeps its own key records. */
export function hasTables(service: Service): boolean {
  if (service.external) return false
  const messages = Object.keys(service.sends).length + Object.keys(service.receives).length
  return messages > 0 || (service.keys === 'service' && Object.keys(service.operations).length > 0)
}

export function serviceRegistration(system: System, service: Service): ServiceRegistration {
  const received = receivedChannels(service)
  const sent = Object.values(service.sends).map((send) => send.channel)
  const used = new Set([...received, ...sent, ...deadLetterChannels(service)])
  return {
    service: service.name,
    source: `/${system.name}/${service.name}`,
    version: service.version,
    channels: [...used].map((address) => channelOf(system, address)),
    subscriptions: received.map((channel) => ({ name: `${service.name}:${channel}`, channel })),
  }
}

/** The stream serves the whole system, external senders and receivers excepted. */
export function streamRegistration(system: System): StreamRegistration {
  const services = Object.values(system.services).filter(hasTables)
  const registrations = services.map((service) => serviceRegistration(system, service))
  const channels = new Map(registrations.flatMap((one) => one.channels).map((channel) => [channel.address, channel]))
  return { channels: [...channels.values()], subscriptions: registrations.flatMap((one) => one.subscriptions) }
}

function receivedChannels(service: Service): string[] {
  return [...new Set(Object.values(service.receives).map((receive) => receive.channel))]
}

/** A copy of each dead letter goes there, where the contract says so. */
function deadLetterChannels(service: Service): string[] {
  return Object.values(service.receives).flatMap(({ guarantees: { values } }) =>
    values.deadLetter === 'none' || values.deadLetter.channel === undefined ? [] : [values.deadLetter.channel],
  )
}

function channelOf(system: System, address: string): ServiceRegistration['channels'][number] {
  const channel = system.channels[address]
  if (channel === undefined) throw new Error(`the system has no channel ${address}`)
  return { address, ordered: channel.ordered, partitions: channel.partitions }
}
