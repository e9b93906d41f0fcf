/**
 * Whoever reads the output may have had enough of it: `spandrel explain | head -1`, or `q` in `less`. That is no error.
 * The command goes on, cleans up after itself, and ends as it would have.
 */

/** Once for a process, before anything is written. What cannot be written for any other reason ends it with 2. */
export function endQuietlyWhereNobodyReads(): void {
  let told = false
  const heard = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return
    if (told) return
    told = true
    process.stderr.write(`error  the output could not be written: ${error.message}\n`)
    // The command sets the exit code when it is done, which comes after this.
    process.once('exit', () => (process.exitCode = 2))
  }
  process.stdout.on('error', heard)
  process.stderr.on('error', heard)
}
