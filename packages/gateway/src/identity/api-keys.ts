import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SpandrelError } from '@spandrel/runtime'

/** An API key as the gateway knows it: by its hash only. */
export interface ApiKey {
  /** names the caller: `key:<id>` */
  readonly id: string
  /** SHA-256 of the key, 64 hexadecimal digits */
  readonly sha256: string
}

/** Finds the owner of a presented key. Every known hash is compared, each in constant time. */
export class ApiKeys {
  readonly #keys: readonly { readonly id: string; readonly hash: Buffer }[]

  constructor(keys: readonly ApiKey[]) {
    for (const { id, sha256 } of keys) {
      if (!/^[0-9a-fA-F]{64}$/.test(sha256)) {
        throw new SpandrelError('wrong-configuration', `the hash of API key "${id}" is not a SHA-256 in hexadecimal`, {
          hint: 'printf %s "$KEY" | sha256sum',
        })
      }
    }
    this.#keys = keys.map(({ id, sha256 }) => ({ id, hash: Buffer.from(sha256, 'hex') }))
  }

  find(presented: string): string | undefined {
    const hash = createHash('sha256').update(presented).digest()
    let found: string | undefined
    for (const key of this.#keys) if (timingSafeEqual(hash, key.hash)) found = key.id
    return found
  }
}

/**
 * Reads a file of API keys: one `name: sha256` a line, as YAML writes a flat mapping; `#` begins a comment.
 * Throws `wrong-configuration` with file and line for anything else.
 */
export function readApiKeys(file: string): ApiKey[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SpandrelError('wrong-configuration', `the file of API keys cannot be read: ${file}`, { cause })
  }
  const keys: ApiKey[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#.*|---)?$/.test(line)) continue
    const found = /^\s*["']?([^\s"':]+)["']?\s*:\s*["']?(?:sha256:)?([0-9a-fA-F]{64})["']?\s*(?:#.*)?$/.exec(line)
    if (found === null) {
      throw new SpandrelError('wrong-configuration', `${file}:${index + 1} is not "name: <sha256 in hexadecimal>"`, {
        hint: 'printf %s "$KEY" | sha256sum; keys themselves do not belong into the file',
      })
    }
    keys.push({ id: found[1] ?? '', sha256: (found[2] ?? '').toLowerCase() })
  }
  const seen = new Set<string>()
  for (const { id } of keys) {
    if (seen.has(id)) throw new SpandrelError('wrong-configuration', `${file} has two API keys named "${id}"`)
    seen.add(id)
  }
  return keys
}
