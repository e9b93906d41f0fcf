import { completionChecks } from './completion.ts'
import { deadLetterChecks } from './dead-letters.ts'
import { orderChecks } from './message-order.ts'
import { receivedChecks } from './received.ts'
import { sendChecks } from './sent.ts'

/** In the order of reports. */
export const receiveChecks = [...receivedChecks, ...orderChecks, ...deadLetterChecks]

export { completionChecks, sendChecks }

export const messageChecks = [...receiveChecks, ...sendChecks, ...completionChecks]
