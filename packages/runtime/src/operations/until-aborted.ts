/** The result of `work`, or a rejection as soon as the signal is aborted. Work left behind is not listened to. */
export async function untilAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  if (signal.aborted) {
    work.catch(() => {})
    throw signal.reason
  }
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort)
    work.catch(() => {})
  }
}
