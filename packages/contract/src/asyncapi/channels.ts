import { didYouMean, listed } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import type { AddressParameter, Bindings } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { readAddressParameters } from './address-parameters.ts'
import { readChannelServers } from './servers.ts'
import { entriesAt, field, listAt, placeOf, plain, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { pointerSteps } from '../source/pointer.ts'

/** A channel of a document as its operations see it. */
export interface DocumentChannel {
  readonly address: string
  /** key → the message as written (often a reference) */
  readonly messages: ReadonlyMap<string, { readonly keyAt: SourceLocation; readonly node: Node }>
  /** in the order of the address */
  readonly parameters: readonly AddressParameter[]
  readonly bindings?: Bindings
  readonly servers?: readonly string[]
  readonly location: SourceLocation
}

/** Protocol → its settings, as written. */
export function readBindings(owner: Node | undefined, reading: Reading): Bindings | undefined {
  const node = follow(field(owner, 'bindings'), reading)
  return node?.kind === 'map' ? (plain(node) as Bindings) : undefined
}

/** What `channel: { $ref }` of an operation or a reply names. */
export function readChannel(owner: Node, reading: Reading): DocumentChannel | undefined {
  const reference = field(owner, 'channel')
  const node = follow(reference, reading)
  if (node?.kind !== 'map') return undefined
  const name = pointerSteps(node.at.pointer)?.at(-1) ?? 'channel'
  const address = textAt(node, 'address') ?? name
  return {
    address,
    parameters: readAddressParameters(address, node, reading),
    messages: new Map(entriesAt(node, 'messages').map(([key, { keyAt, value }]) => [key, { keyAt, node: value }])),
    ...optional('bindings', readBindings(node, reading)),
    ...optional('servers', readChannelServers(node, reading)),
    location: placeOf(node),
  }
}

/** An unknown address cannot match another service's; said once for each channel that has operations. */
export function addressIsKnown(owner: Node, reading: Reading): void {
  const node = follow(field(owner, 'channel'), reading)
  if (node === undefined || textAt(node, 'address') !== undefined) return
  const message = 'this channel has no `address`; it is matched by its key'
  reading.findings.warning(placeOf(node), 'unknown-address', message, 'add `address: …`')
}

/** The messages an operation or a reply names; all of its channel where it names none. By key. */
export function chosenMessages(
  owner: Node,
  channel: DocumentChannel,
  reading: Reading,
): readonly { readonly key: string; readonly keyAt: SourceLocation; readonly node: Node }[] {
  const all = [...channel.messages].map(([key, { keyAt, node }]) => ({ key, keyAt, node, end: follow(node, reading) }))
  if (field(owner, 'messages') === undefined) return all
  return listAt(owner, 'messages').flatMap((item) => {
    const reference = field(item, '$ref')
    const written = text(reference)
    const target = reference && written !== undefined ? reading.sources.resolve(written, reference.at) : undefined
    if (reference === undefined || target === undefined) return []
    const end = follow(target, reading)
    const found = all.find(({ node }) => node === target) ?? all.find((one) => one.end !== undefined && one.end === end)
    if (found === undefined) {
      const keys = [...channel.messages.keys()]
      const message = `\`${written}\` is no message of the channel \`${channel.address}\``
      const hint = keys.length === 0 ? 'add it to the `messages` of the channel' : `the channel has: ${listed(keys)}`
      const name = pointerSteps(target.at.pointer)?.at(-1) ?? ''
      reading.findings.error(reference.at, 'message-not-in-channel', message, didYouMean(name, keys, hint))
      return []
    }
    return [found]
  })
}
