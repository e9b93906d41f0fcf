import { listNode, mapNode, scalarNode, withMembers } from '../source/build-node.ts'
import { entriesAt, field, listAt, text, textAt } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import { pointerTo } from '../source/pointer.ts'
import type { Reading } from '../service/reading.ts'
import { follow } from '../service/reading.ts'

/**
 * An AsyncAPI 2.x document as AsyncAPI 3 says it. Everything keeps its place, and the original members stay beside.
 * In 2.x a channel says what others may do: where they may `publish`, the application receives.
 */
export function fromAsyncapi2(root: MapNode, reading: Reading): MapNode {
  const operations: [string, Node][] = []
  const channels = entriesAt(root, 'channels').map(([address, { value }]) => {
    const channel = follow(value, reading)
    if (channel?.kind !== 'map') return [address, value] as const
    const messages: [string, Node][] = []
    for (const [member, action] of [
      ['publish', 'receive'],
      ['subscribe', 'send'],
    ] as const) {
      const operation = field(channel, member)
      if (operation?.kind !== 'map') continue
      const own = messagesOf(operation, address, member, reading)
      messages.push(...own.filter(([key]) => !messages.some(([other]) => other === key)))
      const name = freeName(textAt(operation, 'operationId') ?? `${action}${pascal(address)}`, operations)
      operations.push([
        name,
        converted(
          operation,
          action,
          address,
          own.map(([key]) => key),
        ),
      ])
    }
    const made = withMembers(channel, {
      address: scalarNode(channel.at, address),
      messages: mapNode(channel.at, Object.fromEntries(messages)),
    })
    return [address, made] as const
  })
  return withMembers(root, {
    asyncapi: scalarNode(field(root, 'asyncapi')?.at ?? root.at, '3.0.0'),
    channels: mapNode(field(root, 'channels')?.at ?? root.at, Object.fromEntries(channels)),
    operations: mapNode(root.at, Object.fromEntries(operations)),
  })
}

function converted(operation: MapNode, action: 'send' | 'receive', address: string, keys: readonly string[]): Node {
  const { at } = operation
  const channel = `#${pointerTo(pointerTo('', 'channels'), address)}`
  const reference = (target: string): Node => mapNode(at, { $ref: scalarNode(at, encodeURI(target)) })
  return withMembers(operation, {
    action: scalarNode(at, action),
    channel: reference(channel),
    messages: listNode(
      at,
      keys.map((key) => reference(pointerTo(`${channel}/messages`, key))),
    ),
    message: undefined,
  })
}

/** The messages of an operation by the key they would have in a channel: `messageId`, `name`, or where they are kept. */
function messagesOf(operation: MapNode, address: string, member: string, reading: Reading): readonly [string, Node][] {
  const message = field(operation, 'message')
  if (message === undefined) return []
  const several = field(message, 'oneOf') === undefined ? [message] : listAt(message, 'oneOf')
  const found: [string, Node][] = []
  for (const [index, one] of several.entries()) {
    const node = follow(one, reading)
    if (node?.kind !== 'map') continue
    const kept = textAt(one, '$ref')?.split('/').at(-1)
    const made = `${member === 'publish' ? 'received' : 'sent'}${pascal(address)}${several.length > 1 ? index + 1 : ''}`
    const key = textAt(node, 'messageId') ?? kept ?? textAt(node, 'name') ?? made
    found.push([freeName(key, found), withFormat(node)])
  }
  return found
}

/** In 2.x the schema's format stands on the message, in 3 beside the schema. */
function withFormat(node: MapNode): MapNode {
  const format = field(node, 'schemaFormat')
  const payload = field(node, 'payload')
  const written = text(format) ?? ''
  if (format === undefined || payload === undefined || /aai|asyncapi|schema\+(json|yaml)/i.test(written)) {
    return withMembers(node, { schemaFormat: undefined })
  }
  return withMembers(node, {
    payload: mapNode(payload.at, { schemaFormat: format, schema: payload }),
    schemaFormat: undefined,
  })
}

function pascal(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function freeName(name: string, taken: readonly (readonly [string, Node])[]): string {
  let free = name
  for (let number = 2; taken.some(([other]) => other === free); number++) free = `${name}${number}`
  return free
}
