import { readIntegration, readProbe } from '../guarantees/integration.ts'
import { checkLayer, resolveGuarantees } from '../guarantees/resolve.ts'
import { checkRules } from '../guarantees/rules.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Message, ReceiveOperation, SendOperation } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import { checkShape } from '../shape/check-shape.ts'
import { readReferences } from '../service/operation-references.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { readSunset } from '../service/sunset.ts'
import { entriesAt, field, flagAt, keyPlace, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { mergeAll } from '../source/merge.ts'
import type { DocumentChannel } from './channels.ts'
import { addressIsKnown, chosenMessages, readBindings, readChannel } from './channels.ts'
import { readMessage, traitsOf } from './read-message.ts'
import { readAsyncSecurity } from './security.ts'
import { asyncapiShapes } from './structure.ts'

export interface AsyncapiContent {
  readonly sends: readonly SendOperation[]
  readonly receives: readonly ReceiveOperation[]
  /** where the channels of its operations are declared */
  readonly channels: readonly { readonly address: string; readonly location: SourceLocation }[]
}

/** Checks the structure of an AsyncAPI 3.x document. */
export function checkAsyncapi(root: Node, version: number, reading: Reading): void {
  const { findings, sources } = reading
  checkShape(root, { $ref: '#/$defs/root' }, 'the document', {
    definitions: asyncapiShapes(version),
    findings,
    sources,
    version: { name: 'AsyncAPI', number: version },
  })
}

/** Reads an AsyncAPI 3.x document, traits applied. */
export function readAsyncapi(root: Node, reading: Reading): AsyncapiContent {
  const { findings } = reading
  for (const [, { value }] of entriesAt(field(root, 'components'), 'operationTraits')) {
    const layer = field(follow(value, reading), 'x-guarantees')
    if (layer !== undefined) checkLayer(layer, findings)
  }
  const reader = new OperationReader(root, reading)
  for (const [name, { keyAt, value }] of entriesAt(root, 'operations')) reader.read(name, keyAt, value)
  return reader.content
}

class OperationReader {
  readonly #root: Node
  readonly #reading: Reading
  readonly #sends: SendOperation[] = []
  readonly #receives: ReceiveOperation[] = []
  readonly #channels = new Map<string, SourceLocation>()

  constructor(root: Node, reading: Reading) {
    this.#root = root
    this.#reading = reading
  }

  get content(): AsyncapiContent {
    const channels = [...this.#channels].map(([address, location]) => ({ address, location }))
    return { sends: this.#sends, receives: this.#receives, channels }
  }

  read(name: string, keyAt: SourceLocation, written: Node): void {
    const { findings, names, sidecars, schemas } = this.#reading
    const own = follow(written, this.#reading)
    if (own?.kind !== 'map') return
    const traits = traitsOf(own, this.#reading)
    const node = mergeAll([...traits, own]) ?? own
    const action = textAt(node, 'action')
    const channel = readChannel(node, this.#reading)
    names.operation(name, keyAt)
    if ((action !== 'send' && action !== 'receive') || channel === undefined) return
    addressIsKnown(node, this.#reading)
    if (!this.#channels.has(channel.address)) this.#channels.set(channel.address, channel.location)
    const replyNode = follow(field(node, 'reply'), this.#reading)
    const messages = this.#messages(name, node, channel, replyNode !== undefined)
    const all = [...traits, own]
    for (const layer of layersOf(all, 'x-guarantees')) checkLayer(layer, findings)
    const declaration = resolveGuarantees(
      {
        inherited: layersOf(traits, 'x-guarantees'),
        own: [...layersOf([own], 'x-guarantees'), ...sidecars.layers(name, 'x-guarantees')],
      },
      { kind: action },
      findings,
    )
    const payloads = messages.map(({ payload }) => payload)
    checkRules(declaration.node, { kind: action, operation: name, payloads, named: schemas.named }, findings)
    const integration = [
      ...layersOf([field(this.#root, 'info')], 'x-integration'),
      ...layersOf(all, 'x-integration'),
      ...sidecars.layers(name, 'x-integration'),
    ]
    const probe = [...layersOf(all, 'x-probe'), ...sidecars.layers(name, 'x-probe')]
    readReferences(declaration.node, integration, probe, { callbacks: [] }, this.#reading)
    const shared = {
      service: this.#reading.service,
      operation: name,
      ...optional('summary', textAt(node, 'summary')),
      ...optional('description', textAt(node, 'description')),
      channel: channel.address,
      parameters: channel.parameters,
      messages,
      ...optional('reply', this.#reply(name, replyNode)),
      ...optional('bindings', readBindings(node, this.#reading)),
      ...optional('channelBindings', channel.bindings),
      ...optional('servers', channel.servers),
      security: readAsyncSecurity(node, this.#root, this.#reading),
      guarantees: declaration.guarantees,
      ...optional('integration', readIntegration(integration, this.#reading.defaultStyle, findings)),
      ...optional('probe', readProbe(probe, findings)),
      deprecated: flagAt(node, 'deprecated') ?? false,
      ...optional('sunset', readSunset(node, findings)),
      location: keyAt,
    }
    const effects = textAt(node, 'x-effects')
    if (action === 'receive') {
      this.#receives.push({ kind: 'receive', ...shared, effects: effects === 'external' ? 'external' : 'transaction' })
      return
    }
    if (effects !== undefined) {
      const message = '`x-effects` says what a handler does, and a send has none'
      findings.error(keyPlace(node, 'x-effects'), 'misplaced-key', message, 'put it on the receive operation')
    }
    this.#sends.push({ kind: 'send', ...shared })
  }

  #messages(operation: string, node: Node, channel: DocumentChannel, hasReply: boolean): readonly Message[] {
    const { findings, names } = this.#reading
    const contentType = textAt(this.#root, 'defaultContentType') ?? 'application/json'
    const types = new Map<string, Message>()
    for (const chosen of chosenMessages(node, channel, this.#reading)) {
      const document = { contentType, hasReply }
      const message = readMessage(chosen.key, chosen.keyAt, chosen.node, document, this.#reading)
      if (message === undefined) continue
      const other = types.get(message.type)
      if (other !== undefined && other.message !== message.message) {
        const text = `\`${other.message}\` and \`${message.message}\` have one type, \`${message.type}\`; a receiver could not tell them apart`
        findings.error(message.location, 'ambiguous-message', text, 'give each its own `name`')
        continue
      }
      names.message(message.message, message.location, operation)
      types.set(message.type, message)
    }
    if (types.size === 0 && channel.messages.size === 0) {
      const text = `the channel \`${channel.address}\` of \`${operation}\` has no messages`
      findings.warning(channel.location, 'no-messages', text, 'add `messages:` to the channel')
    }
    return [...types.values()]
  }

  #reply(operation: string, node: Node | undefined): SendOperation['reply'] | undefined {
    if (node === undefined) return undefined
    const channel = readChannel(node, this.#reading)
    const address = optional('address', textAt(follow(field(node, 'address'), this.#reading), 'location'))
    if (channel === undefined) return { ...address, messages: [] }
    return { channel: channel.address, ...address, messages: this.#messages(operation, node, channel, false) }
  }
}

function layersOf(nodes: readonly (Node | undefined)[], key: string): Node[] {
  return nodes.map((node) => field(node, key)).filter((layer) => layer !== undefined)
}
