import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const module = fileURLToPath(new URL('stop-signal.ts', import.meta.url))
const script = `
import { stopSignal } from ${JSON.stringify(module)}
const asked = stopSignal()
process.on('SIGUSR2', () => console.log('still here'))
setInterval(() => {}, 1000)
console.log('waiting')
console.log('asked by', await asked)
`

test('signals that come together are one wish; one that comes later ends the process at once', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = once(child, 'exit')
  const says = async (words: string): Promise<void> => {
    while (!text.includes(words)) await once(child.stdout, 'data')
  }
  await says('waiting')
  const first = performance.now()
  child.kill('SIGTERM')
  child.kill('SIGINT')
  await says('asked by SIG')
  child.kill('SIGUSR2')
  await says('still here')
  const again = setInterval(() => child.kill('SIGINT'), 20)
  const [code] = (await ended) as [number | null]
  clearInterval(again)
  expect(code).toBe(1)
  expect(performance.now() - first).toBeGreaterThan(490)
  expect(text.match(/asked by/g)).toHaveLength(1)
})
