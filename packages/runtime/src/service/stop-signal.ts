/**
 * What comes so soon after the first signal is the same wish. A terminal tells a whole group of processes, systemd every
 * process of a unit, and npm and `spandrel serve` pass on to their children what they were told themselves: so one
 * Ctrl-C arrives twice or three times.
 */
const oneWishMs = 500

/**
 * Resolves with the first SIGTERM or SIGINT. Another one, half a second later or more, ends the process at once with
 * code 1.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined
    const heard = (signal: NodeJS.Signals): void => {
      if (first === undefined) {
        first = performance.now()
        resolve(signal)
      } else if (performance.now() - first >= oneWishMs) process.exit(1)
    }
    process.on('SIGTERM', heard).on('SIGINT', heard)
  })
}
