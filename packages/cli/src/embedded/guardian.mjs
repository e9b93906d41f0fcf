// Ends process groups when the process that started them is gone, however it went (SIGKILL included).
// Its standard input is a pipe from the starter: `+<pgid> <signal>` when a group begins, `-<pgid>` when its leader
// ended; `/<path>` when a temporary directory begins, `!<path>` when it is no more to be removed (paths URI-encoded);
// the end of the pipe is the starter's end. What a guardian that was killed knew is its successor's arguments.
// Plain JavaScript: it must start fast and on any Node.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** group → polite signal */
const groups = new Map()
/** groups whose leader is gone but not all of its children: looked at until they are empty, so that their number is
 *  dropped before the system gives it to somebody else */
const leaderless = new Set()
const directories = new Set()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {})

function signal(pgid, name) {
  try {
    process.kill(-pgid, name)
    return true
  } catch {
    return false
  }
}

const sweep = setInterval(() => {
  for (const pgid of leaderless) {
    if (signal(pgid, 0)) continue
    leaderless.delete(pgid)
    groups.delete(pgid)
  }
}, 500)

function hear(line) {
  if (line[0] === '/') return directories.add(decodeURIComponent(line.slice(1)))
  if (line[0] === '!') return directories.delete(decodeURIComponent(line.slice(1)))
  const [number, how = 'SIGTERM'] = line.slice(1).split(' ')
  const pgid = Number(number)
  if (!Number.isSafeInteger(pgid) || pgid <= 1) return
  if (line[0] === '+') {
    groups.set(pgid, how)
    leaderless.delete(pgid)
  } else if (signal(pgid, 0)) leaderless.add(pgid)
  else groups.delete(pgid)
}

for (const line of process.argv.slice(2)) hear(line)

createInterface({ input: process.stdin })
  .on('line', hear)
  .on('close', () => {
    clearInterval(sweep)
    for (const [pgid, how] of groups) signal(pgid, how)
    const started = Date.now()
    const timer = setInterval(() => {
      for (const pgid of groups.keys()) if (!signal(pgid, 0)) groups.delete(pgid)
      if (groups.size > 0 && Date.now() - started > 5000) for (const pgid of groups.keys()) signal(pgid, 'SIGKILL')
      if (groups.size === 0 || Date.now() - started > 10_000) {
        clearInterval(timer)
        for (const path of directories) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
        process.exit(0)
      }
    }, 50)
  })
