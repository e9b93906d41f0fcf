import type { Guarantees, ServiceContract } from './service-contract.ts'

/** Where copies of an operation's dead letters go; undefined: nowhere. */
export function deadLetterChannel({ deadLetter }: Guarantees): string | undefined {
  return deadLetter === 'none' ? undefined : deadLetter.channel
}

/** Whether dead letters of this service are copied to a channel: its outbox has rows then, though it may send nothing. */
export function copiesDeadLetters(contract: Pick<ServiceContract, 'receives'>): boolean {
  return Object.values(contract.receives).some(({ guarantees }) => deadLetterChannel(guarantees) !== undefined)
}
