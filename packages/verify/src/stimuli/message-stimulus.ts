import type { ReceiveFacts } from '../plan/message-facts.ts'
import type { MessageAttack, MessageGiven } from '../run/message-attack.ts'

/** A way of provoking a consumer of messages. What it shows is for the checks to say. */
export interface MessageStimulus {
  readonly id: string
  /** undefined: nothing promised here has to do with it. A text: what is missing, and what would make it possible */
  applies(operation: ReceiveFacts, given: MessageGiven): true | string | undefined
  /** `together`: beside others. `alone`: it breaks something. `last`: what it leaves behind may disturb others */
  readonly when: 'together' | 'alone' | 'last'
  /** time from sending to the effect on a good day, ms */
  run(attack: MessageAttack, latencyMs: number): Promise<void>
}

export const needsProcess = 'say how to start the service, so that it can be killed: --start COMMAND'
