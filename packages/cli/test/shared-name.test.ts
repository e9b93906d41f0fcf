import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { firstContract } from '../src/init/first-service.ts'
import { spandrel } from './spandrel.ts'

/** `keeper`: whether the gateway keeps the keys of `notes`. */
async function folder(keeper: 'gateway' | 'service'): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'spandrel-shared-name-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  await writeFile(join(path, 'notes.openapi.yaml'), firstContract('Notes'))
  await writeFile(
    join(path, 'edge.openapi.yaml'),
    firstContract('Edge').replaceAll(/\b(addNote|listNotes)\b/g, '$1AtEdge'),
  )
  await writeFile(
    join(path, 'spandrel.yaml'),
    `version: 1
system: notes
services:
  notes: { contracts: [notes.openapi.yaml], keys: ${keeper}, url: 'http://127.0.0.1:9' }
  gateway: { contracts: [edge.openapi.yaml], keys: service, url: 'http://127.0.0.1:9', gateway: { path: /edge } }
`,
  )
  return path
}

test('a service called gateway does not get the database of the gateway', async () => {
  const cwd = await folder('gateway')
  const env = { GATEWAY_DATABASE_URL: 'postgres://me@127.0.0.1:9/x' }
  for (const args of [['migrate'], ['status'], ['doctor'], ['serve', 'gateway']]) {
    const { code, stderr } = await spandrel(args, { cwd, env })
    expect(code).toBe(2)
    expect(stderr).toMatch(/would share GATEWAY_DATABASE_URL[\s\S]*give the service another name/)
  }
  const { stdout } = await spandrel(['status'], { cwd: await folder('service'), env })
  expect(stdout).toContain('from GATEWAY_DATABASE_URL')
})
