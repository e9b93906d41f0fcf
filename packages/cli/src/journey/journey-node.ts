/** One step of a journey, and what it caused. */
export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'quiet'

export interface JourneyNode {
  kind: 'request' | 'call' | 'delivery' | 'message' | 'step'
  /** what happened, without its time */
  text: string
  tone: Tone
  at?: Date
  /** when it ended, where that is known and later */
  until?: Date
  children: JourneyNode[]
  /** for programs */
  service?: string
  operation?: string
  messageId?: string
  type?: string
  outcome?: string
}
