/** What an attempt that failed before an answer says of the instance it was meant for. */
import { brokeOff } from '@spandrel/runtime/operate'

/** The end of our own pools or of our system's means; an HTTP/2 connection that its service closed in good order. */
const ours = new Set([
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_INFO',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'EADDRNOTAVAIL',
])

/** Whether the instance is up; undefined: this is no sign of it. */
export function showsUp(error: Error, sent: boolean): boolean | undefined {
  if (ours.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
  // One that answers what is no HTTP is there: that is for somebody to look at, and no reason to leave it alone.
  return sent && brokeOff(error) === undefined
}

/** undici refused what we gave it. No other instance would take it either. */
export function isOurFault(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return (
    code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'
  )
}
