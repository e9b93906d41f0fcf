// Ends process groups when the process that started them is gone, however it went (SIGKILL included).
// Its standard input is a pipe from the starter: lines `+<pgid>` and `-<pgid>`; the end of the pipe is the starter's end.
// Plain JavaScript: it must start fast and on any Node.
import { createInterface } from 'node:readline'

const groups = new Map()
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})

function signal(pgid, name) {
  try {
    process.kill(-pgid, name)
    return true
  } catch {
    return false
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [pgid, how = 'SIGTERM'] = line.slice(1).split(' ')
    if (line[0] === '+') groups.set(Number(pgid), how)
    else groups.delete(Number(pgid))
  })
  .on('close', () => {
    for (const [pgid, how] of groups) signal(pgid, how)
    const started = Date.now()
    const timer = setInterval(() => {
      for (const pgid of groups.keys()) if (!signal(pgid, 0)) groups.delete(pgid)
      if (groups.size > 0 && Date.now() - started > 5000) for (const pgid of groups.keys()) signal(pgid, 'SIGKILL')
      if (groups.size === 0 || Date.now() - started > 10_000) {
        clearInterval(timer)
        process.exit(0)
      }
    }, 50)
  })
