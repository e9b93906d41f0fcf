/** Turns what a service sends into an envelope its contract allows, or throws before anything is written. */
import { evaluate } from '../contract/expression.ts'
import type { SendContract, ServiceContract, ValidationFault } from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'
import { faultOfValue, isAttributeName } from '../message/attributes.ts'
import type { MessageAttributes, OutgoingMessage } from '../message/envelope.ts'
import { newMessageId } from '../message/message-id.ts'
import { childTraceparent } from '../message/trace.ts'

/** What a message inherits from what it is sent in answer to. */
export interface SendContext {
  /** absent: the message begins a journey of its own, named by its id */
  correlationid?: string | undefined
  /** id of the message or request that caused it */
  causationid?: string | undefined
  traceparent?: string | undefined
  tracestate?: string | undefined
}

export interface SendOptions {
  /** the message's id; default: a new UUID. With the same id it is the same message to every consumer */
  id?: string
  /** the ordering key, where the contract names none by `ordering.by` */
  key?: string
  /** further CloudEvents attributes */
  attributes?: Readonly<Record<string, string>>
}

/** The key of every message where `ordering: total`. */
const totalKey = 'total'
const maxFaults = 5

const reserved = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'datacontenttype',
  'dataschema',
  'partitionkey',
  'correlationid',
  'causationid',
  'traceparent',
  'tracestate',
  'data',
])

/** Throws `unknown-message`, `contract-violation` or `key-missing`. */
export function compose(
  contract: ServiceContract,
  name: string,
  data: unknown,
  context: SendContext,
  options: SendOptions = {},
): OutgoingMessage {
  const send = Object.hasOwn(contract.sends, name) ? contract.sends[name] : undefined
  if (send === undefined) {
    throw new SpandrelError('unknown-message', `service ${contract.service} sends no message ${JSON.stringify(name)}`, {
      hint: `its contract declares: ${Object.keys(contract.sends).join(', ') || 'none'}`,
    })
  }
  const text = JSON.stringify(data) as string | undefined
  if (text === undefined) throw violation(send, contract, 'the payload is not JSON')
  const faults = faultsOf(send, data)
  if (faults !== undefined) throw violation(send, contract, faults)
  const id = options.id ?? newMessageId()
  const attributes: MessageAttributes = {
    specversion: '1.0',
    id,
    source: contract.source,
    type: send.type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:spandrel:${contract.service}:${contract.version}`,
    correlationid: context.correlationid ?? id,
  }
  if (context.causationid !== undefined) attributes.causationid = context.causationid
  attributes.traceparent = childTraceparent(context.traceparent)
  if (context.tracestate !== undefined) attributes.tracestate = context.tracestate
  for (const [extension, value] of Object.entries(options.attributes ?? {})) {
    if (!isAttributeName(extension) || reserved.has(extension)) {
      throw violation(
        send,
        contract,
        `${JSON.stringify(extension)} is no name for an attribute of your own: lower-case letters and digits only`,
      )
    }
    attributes[extension] = value
  }
  const key = orderingKey(contract, send, data, attributes, options.key)
  if (key !== undefined) attributes.partitionkey = key
  for (const attribute in attributes) {
    const value = attributes[attribute]
    const fault = value === undefined ? undefined : typeof value === 'string' ? faultOfValue(value) : 'is no string'
    if (fault !== undefined) throw violation(send, contract, `attribute ${attribute} ${fault}`)
  }
  return { channel: send.channel, attributes, data: text }
}

/** What a payload breaks in its contract, as text; undefined where it is fine. */
export function faultsOf(send: Pick<SendContract, 'validate'>, data: unknown): string | undefined {
  if (send.validate(data)) return undefined
  return describeFaults(send.validate.errors)
}

function describeFaults(errors: null | undefined | readonly ValidationFault[]): string {
  const faults = errors ?? []
  const texts = faults
    .slice(0, maxFaults)
    .map(({ instancePath, keyword, message }) => `${instancePath || 'the payload'} ${message ?? keyword}`)
  if (faults.length > maxFaults) texts.push(`and ${faults.length - maxFaults} more`)
  return texts.join('; ') || 'the payload does not fit its schema'
}

/** Set by the contract's `ordering.by`; a key of the caller's own only where the contract leaves it open. */
export function orderingKey(
  contract: ServiceContract,
  send: SendContract,
  data: unknown,
  attributes: MessageAttributes,
  own?: string,
): string | undefined {
  const { ordering } = send.guarantees
  let key = own
  if (ordering === 'total') key = totalKey
  else if (ordering !== 'none') key = evaluate(ordering.by, { payload: data, attributes })
  const ordered = ordering !== 'none' || contract.channels[send.channel]?.ordered === true
  if (ordered && (key === undefined || key === '')) {
    throw new SpandrelError(
      'key-missing',
      `${contract.service}.${send.message} has no ordering key, and channel ${send.channel} is ordered`,
      {
        hint:
          ordering === 'none'
            ? 'declare `ordering: { by }` for the message, or pass `key`'
            : 'the payload must have what `ordering.by` of its contract points at',
      },
    )
  }
  if (own !== undefined && ordering !== 'none' && own !== key) {
    throw violation(
      send,
      contract,
      `\`key\` is ${JSON.stringify(own)}, and \`ordering.by\` of the contract makes it ${JSON.stringify(key)}`,
    )
  }
  return key
}

function violation(send: SendContract, contract: ServiceContract, what: string): SpandrelError {
  return new SpandrelError(
    'contract-violation',
    `${contract.service}.${send.message} on channel ${send.channel}: ${what}`,
    {
      hint: 'nothing was sent; change what is sent, or the contract with its consumers',
    },
  )
}
