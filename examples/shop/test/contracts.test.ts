import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../spandrel.yaml', import.meta.url))

function spandrel(...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, ['--conditions=spandrel-source', MAIN, ...args, '--config', CONFIG, '--json'])
}

it('the contracts have no faults', async () => {
  const { stdout } = await spandrel('check')
  expect(JSON.parse(stdout)).toMatchObject({ findings: [] })
})

it('the page about each integration is up to date', async () => {
  const sheets = fileURLToPath(new URL('../integrations', import.meta.url))
  // `npm run spandrel -- scorecard -c examples/shop --sheets examples/shop/integrations` writes them.
  const { stdout } = await spandrel('scorecard', '--sheets', sheets, '--check')
  const { integrations, sheets: found } = JSON.parse(stdout) as { integrations: unknown[]; sheets: { state: string }[] }
  expect(found.length).toBe(integrations.length + 1)
  expect(found.filter(({ state }) => state !== 'up to date')).toEqual([])
})

it('the generated contracts are up to date', async () => {
  const { stdout } = await spandrel('generate', '--check')
  const { files, stale } = JSON.parse(stdout) as { files: string[]; stale: unknown[] }
  expect(files).toHaveLength(4)
  expect(stale).toEqual([])
})
