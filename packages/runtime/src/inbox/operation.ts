/** A receive operation of the contract and its handler, ready to run; and what a subscription is made of. */
import type {
  ContractTypes,
  Guarantees,
  ReceiveContract,
  ServiceContract,
  Validator,
} from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'
import type { AnyReceiveHandler, BatchHandler, ExternalHandler, PlainHandler, ReceivedMessage } from './handlers.ts'
import { defaultTimeoutMs } from './options.ts'

type Handler<Tx> =
  | { style: 'plain'; run: PlainHandler<ReceivedMessage, ContractTypes, Tx> }
  | { style: 'external'; parts: ExternalHandler<ReceivedMessage, ContractTypes, Tx> }
  | { style: 'batch'; parts: BatchHandler<ReceivedMessage, ContractTypes, Tx> }

export interface Operation<Tx> {
  readonly name: string
  readonly contract: ReceiveContract
  readonly guarantees: Guarantees
  readonly handler: Handler<Tx>
  readonly timeoutMs: number
  readonly onPoison: 'hold-key' | 'hold-all' | 'skip'
}

export interface Subscription<Tx> {
  /** `<service>:<channel address>` */
  readonly name: string
  readonly channel: string
  /** CloudEvents type → who receives it */
  readonly types: ReadonlyMap<string, { operation: Operation<Tx>; validate: Validator }>
  readonly operations: readonly Operation<Tx>[]
  /** types the channel may carry that nobody here receives: passed over without a word */
  readonly ignored: ReadonlySet<string>
  /** the whole partition is one ordering key: `ordering: total`, or a failure holds everything back */
  readonly serial: boolean
}

/** Groups the contract's receives by channel, and finds each its handler. Throws `wrong-configuration`. */
export function subscriptionsOf<T extends ContractTypes, Tx>(
  contract: ServiceContract<T>,
  handlers: Readonly<Record<string, unknown>>,
): Subscription<Tx>[] {
  const byChannel = new Map<string, Operation<Tx>[]>()
  for (const receive of Object.values<ReceiveContract>(contract.receives)) {
    const operation = operationOf<Tx>(receive, handlers[receive.operation])
    byChannel.set(receive.channel, [...(byChannel.get(receive.channel) ?? []), operation])
  }
  return [...byChannel].map(([channel, operations]) => subscriptionOf(contract, channel, operations))
}

function subscriptionOf<Tx>(
  contract: ServiceContract,
  channel: string,
  operations: readonly Operation<Tx>[],
): Subscription<Tx> {
  const types = new Map<string, { operation: Operation<Tx>; validate: Validator }>()
  for (const operation of operations) {
    for (const [type, validate] of Object.entries(operation.contract.messages)) {
      const other = types.get(type)
      if (other !== undefined) {
        throw new SpandrelError(
          'wrong-configuration',
          `${contract.service} receives ${type} from ${channel} by two operations, ${other.operation.name} and ${operation.name}`,
          { hint: 'one operation a message type and channel; let one handler do both' },
        )
      }
      types.set(type, { operation, validate })
    }
  }
  const carried = contract.channels[channel]?.types ?? []
  return {
    name: `${contract.service}:${channel}`,
    channel,
    types,
    operations,
    ignored: new Set(carried.filter((type) => !types.has(type))),
    serial: operations.some(({ guarantees, onPoison }) => guarantees.ordering === 'total' || onPoison === 'hold-all'),
  }
}

function operationOf<Tx>(contract: ReceiveContract, given: unknown): Operation<Tx> {
  const { guarantees } = contract
  return {
    name: contract.operation,
    contract,
    guarantees,
    handler: handlerOf(contract, given),
    timeoutMs: guarantees.timeoutMs ?? defaultTimeoutMs,
    onPoison: guarantees.deadLetter === 'none' ? 'hold-key' : guarantees.deadLetter.onPoison,
  }
}

function handlerOf<Tx>(contract: ReceiveContract, given: unknown): Handler<Tx> {
  const handler = given as AnyReceiveHandler<ReceivedMessage, ContractTypes, Tx> | undefined
  if (typeof handler === 'function' || (typeof handler === 'object' && handler !== null && 'batch' in handler)) {
    if (contract.effects === 'external') {
      throw new SpandrelError(
        'wrong-configuration',
        `${contract.operation} has external effects: its handler needs an \`act\``,
        {
          hint: 'write it as external({ act, handle }), or take x-effects off the operation',
        },
      )
    }
    return typeof handler === 'function' ? { style: 'plain', run: handler } : { style: 'batch', parts: handler }
  }
  if (typeof handler === 'object' && handler !== null && handler.effects === 'external')
    return { style: 'external', parts: handler }
  throw new SpandrelError('wrong-configuration', `no handler for the receive operation ${contract.operation}`, {
    hint: `add ${contract.operation} to \`handlers\`: a function, external({ act, handle }) or { batch }`,
  })
}
