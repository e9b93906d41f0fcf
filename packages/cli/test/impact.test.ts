/** `impact SERVICE --down` on the shop, as a user runs it. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { spandrel } from './spandrel.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const shop = here('../../../examples/shop')

test('what fails, what waits and what goes on; the page shows how it begins (UPDATE_DOCS=1 writes it)', async () => {
  const { code, stdout, stderr } = await spandrel(['impact', 'payments', '--down'], { cwd: shop })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    /of \d+ operations in \d+ services: [1-9]\d* fail, 0 degrade, [1-9]\d* wait, [1-9]\d* may, [1-9]\d* go on/,
  )
  const beginning = `${stdout.split('\n').slice(0, 13).join('\n')}\n`
  const page = here('../../../docs/cli.md')
  const text = await readFile(page, 'utf8')
  const marked = /(<!-- shop: impact payments --down -->\n```\n)([\s\S]*?)```/
  expect(text).toMatch(marked)
  if (process.env['UPDATE_DOCS'] !== undefined) {
    await writeFile(
      page,
      text.replace(marked, (_all, head: string) => `${head}${beginning}\`\`\``),
    )
  }
  expect(text.match(marked)?.[2]).toBe(beginning)
})

test('--json has every step with its place; an operation instead of a service is a mistake', async () => {
  const { stdout } = await spandrel(['impact', 'payments', '--down', '--json'], { cwd: shop })
  const told = JSON.parse(stdout) as {
    effects: { operation: string; outcome: string; chain: { relation: string; location: { line: number } }[] }[]
  }
  const found = told.effects.find(({ operation }) => operation === 'orders.placeOrder')
  expect(found).toMatchObject({ outcome: 'fails', chain: [{ relation: 'calls', location: { line: 12 } }] })
  const { code, stderr } = await spandrel(['impact', 'payments.quotePrice', '--down'], { cwd: shop })
  expect(code).toBe(2)
  expect(stderr).toContain('did you mean `payments`?')
})
