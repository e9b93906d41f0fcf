import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { type LoadResult, loadSystem } from '@spandrel/contract'

/**
 * Loads one OpenAPI document without a spandrel.yaml, with the `*.guarantees.yaml` beside it: a system of one service,
 * named after the file (`orders.openapi.yaml` is `orders`).
 */
export async function loadDocument(file: string): Promise<LoadResult & { service: string }> {
  const service = basename(file).replace(/\..*$/, '').toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^[^a-z]+|-+$/g, '') || 'service'
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-verify-'))
  try {
    const config = join(folder, 'spandrel.yaml')
    const services = { [service]: { owner: 'nobody', keys: 'service', contracts: [resolve(file)] } }
    // JSON is YAML.
    await writeFile(config, JSON.stringify({ version: 1, system: service, services }))
    return { ...(await loadSystem(config, { env: {} })), service }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
