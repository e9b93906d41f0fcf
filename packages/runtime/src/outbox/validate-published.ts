/** What `spandrel.publish` could not check, checked before it is sent: the contract's schemas do not live in SQL. */
import type { SendContract, ServiceContract } from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'
import type { OutgoingMessage } from '../message/envelope.ts'
import { faultsOf, orderingKey } from './compose.ts'

export class PublishedValidator {
  readonly #contract: ServiceContract
  readonly #sends = new Map<string, SendContract>()

  constructor(contract: ServiceContract) {
    this.#contract = contract
    for (const send of Object.values(contract.sends)) this.#sends.set(`${send.channel} ${send.type}`, send)
  }

  /** What is wrong with it, or undefined. */
  fault(message: OutgoingMessage): string | undefined {
    const { channel, attributes } = message
    const send = this.#sends.get(`${channel} ${attributes.type}`)
    if (send === undefined) {
      return `service ${this.#contract.service} sends no message of type ${attributes.type} to channel ${channel}`
    }
    let data: unknown
    try {
      data = JSON.parse(message.data) as unknown
    } catch {
      return 'the payload is not JSON'
    }
    const faults = faultsOf(send, data)
    if (faults !== undefined) return faults
    try {
      const { ordering } = send.guarantees
      const { partitionkey } = attributes
      const key = orderingKey(this.#contract, send, data, attributes, ordering === 'none' ? partitionkey : undefined)
      return key === partitionkey ? undefined : `its key must be ${key}: \`ordering.by\` of the contract`
    } catch (error) {
      if (error instanceof SpandrelError) return error.message
      throw error
    }
  }
}
