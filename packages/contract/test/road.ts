import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { loadSystem } from '../src/index.ts'
import type { Finding, LoadResult, System } from '../src/index.ts'

const fixture = fileURLToPath(new URL('fixtures/road', import.meta.url))

/** One change of one file of the fixture. `▸` in `to` stands where the fault is expected, and is not written. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A copy of the fixture, changed; removed when the test ends. */
export class Road {
  readonly dir: string

  private constructor(dir: string) {
    this.dir = dir
  }

  static async copy(changes: readonly Change[] = []): Promise<{ road: Road; places: readonly Place[] }> {
    const dir = await mkdtemp(join(tmpdir(), 'spandrel-road-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await cp(fixture, dir, { recursive: true })
    const road = new Road(dir)
    for (const change of changes) await road.#change(change)
    // Places are read when all changes are made: each moves what stands below it.
    const places = await Promise.all([...new Set(changes.map(({ file }) => file))].map((file) => road.#places(file)))
    return { road, places: places.flat() }
  }

  async #change({ file, from, to }: Change): Promise<void> {
    const path = join(this.dir, file)
    const text = await readFile(path, 'utf8').catch(() => '')
    if (from !== '' && !text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`)
    await writeFile(path, from === '' ? to : text.replace(from, () => to))
  }

  async #places(file: string): Promise<Place[]> {
    const path = join(this.dir, file)
    let text = await readFile(path, 'utf8')
    const places: Place[] = []
    for (let at = text.indexOf('▸'); at >= 0; at = text.indexOf('▸')) {
      const before = text.slice(0, at).split('\n')
      places.push({ file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 })
      text = text.slice(0, at) + text.slice(at + 1)
    }
    await writeFile(path, text)
    return places
  }

  /** One more change of a file; gives the road itself. */
  async change(file: string, from: string, to: string): Promise<this> {
    await this.#change({ file, from, to })
    return this
  }

  write(file: string, text: string | Uint8Array): Promise<void> {
    return writeFile(join(this.dir, file), text)
  }

  load(env: Record<string, string> = {}): Promise<LoadResult> {
    return loadSystem(join(this.dir, 'spandrel.yaml'), { env })
  }

  /** The system, which must have no errors. */
  async system(env: Record<string, string> = {}): Promise<System> {
    const { system, findings } = await this.load(env)
    if (system === undefined) throw new Error(findings.map((one) => this.shown(one)).join('\n'))
    return system
  }

  shown({ file, line, column, id, message, suggestion }: Finding): string {
    return `${this.relative(file)}:${line}:${column} ${id} ${message} (${suggestion})`
  }

  relative(file: string): string {
    return file.startsWith(this.dir) ? file.slice(this.dir.length + 1) : file
  }
}
