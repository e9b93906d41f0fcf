/** What a history notes of messages, processes and outcomes, beside the records of requests. */
import type { MessageFacts } from '../plan/message-facts.ts'

/** What the run knew of messages; in its `run` record. */
export interface MessageRun extends MessageFacts {
  /** how messages reached the service; absent: they did not */
  readonly road?: 'stream' | 'push'
  /** where they were pushed to */
  readonly push?: { readonly url: string; readonly mode: 'binary' | 'structured' }
  /** channels that were watched */
  readonly watched: readonly string[]
  /** outcomes were waited for at most so long */
  readonly outcomeCapMs: number
}

/** A message was given to the road. */
export interface MessageRecord {
  readonly type: 'message'
  readonly trial: string
  /** what it is in its trial: `first`, `copy`, `poison`, `behind`, … */
  readonly role: string
  readonly at: number
  readonly ref: string
  readonly channel: string
  readonly id: string
  readonly source: string
  readonly marker: string
  readonly key?: string
  readonly attributes: Readonly<Record<string, string | undefined>>
  readonly data: string
}

/** A message was on a watched channel, and is about something this run did. */
export interface SeenRecord {
  readonly type: 'seen'
  readonly at: number
  readonly channel: string
  readonly partition: number
  readonly offset: number
  readonly attributes: Readonly<Record<string, string | undefined>>
  readonly data: string
}

export interface ProcessRecord {
  readonly type: 'process'
  readonly trial: string
  readonly what: 'killed' | 'ready' | 'failed'
  readonly at: number
  /** `killed`: nobody listened any more */
  readonly confirmed?: boolean
  /** `killed`: sent, and without an effect when it was last looked at before */
  readonly unfinished?: number
  readonly why?: string
}

/** A message that was given up, as it was found. */
export interface DeadRecord {
  readonly type: 'dead'
  readonly trial: string
  readonly marker: string
  readonly at: number
  readonly where: 'channel' | 'held'
  readonly id?: string
  readonly source?: string
  readonly messageType?: string
  readonly attempts?: number
  readonly reason?: string
  /** the payload was still the one that was sent */
  readonly sameData: boolean
}

/** In which order the effects of a key came; absent markers: it could not be read. */
export interface OrderRecord {
  readonly type: 'order'
  readonly trial: string
  readonly key: string
  readonly at: number
  readonly markers?: readonly string[]
  readonly why?: string
}

/** The state of accepted work, when it was asked for or a message told it, and the effects that were there then. */
export interface OutcomeRecord {
  readonly type: 'outcome'
  readonly trial: string
  readonly marker: string
  readonly at: number
  /** an outcome of the contract; absent: not yet, or `why` */
  readonly outcome?: string
  /** an outcome had been told, and now a whole answer named none */
  readonly takenBack?: true
  readonly effects?: number
  readonly why?: string
}

/** The service called the URL that a request of this trial gave it. */
export interface CalledRecord {
  readonly type: 'called'
  readonly trial: string
  /** when all of it had come */
  readonly at: number
  readonly method: string
  /** what it put behind that URL */
  readonly rest: string
  /** those that name it, in lower case; never all of them */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** it got its answer; one that did not may come again */
  readonly answered: boolean
}

/** All that was on the watched channels until now is in the history. */
interface CollectedRecord {
  readonly type: 'collected'
  readonly at: number
}

export type MessageHistoryRecord =
  | MessageRecord
  | SeenRecord
  | ProcessRecord
  | DeadRecord
  | OrderRecord
  | OutcomeRecord
  | CalledRecord
  | CollectedRecord
