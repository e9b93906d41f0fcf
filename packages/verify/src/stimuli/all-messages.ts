import type { MessageStimulus } from './message-stimulus.ts'
import { messageCopy, messageOrder, messagesAtOnce, messageTransient, sameIntent } from './messages.ts'
import { messageCrash } from './message-crash.ts'
import { poison } from './poison.ts'

export const messageStimuli: readonly MessageStimulus[] = [
  messageCopy,
  messagesAtOnce,
  sameIntent,
  messageOrder,
  messageTransient,
  messageCrash,
  poison,
]
