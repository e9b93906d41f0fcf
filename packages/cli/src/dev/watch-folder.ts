/**
 * Tells when files below some folders change. One watcher a folder (a recursive one would walk node_modules), new
 * folders included; what editors and tools write beside the sources is passed over, and so is what came and went in
 * between (`sed -i` writes `sedFX99lf` and renames it). Changes are collected until nothing happened for a moment.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const passedOver = new Set(['node_modules', 'dist', 'coverage'])
/** never a source: editors' swap and backup files, logs */
const noise = /^\.|~$|\.(?:swp|swx|tmp|log|tsbuildinfo)$|^\d+$/

export interface WatchOptions {
  /** Called once a calm moment with the files that changed, absolute. */
  changed: (files: readonly string[]) => void
  /** Called when the system refuses to watch (too many watchers); changes are not seen from then on. */
  failed: (error: Error) => void
  /** how long nothing must happen; 150 ms by default */
  calmMs?: number
}

export class FolderWatch {
  readonly #options: WatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #changes = new Set<string>()
  /** what was there when it was last looked at: only that can be removed */
  readonly #known = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(options: WatchOptions) {
    this.#options = options
  }

  static async open(folders: readonly string[], options: WatchOptions): Promise<FolderWatch> {
    const opened = new FolderWatch(options)
    for (const folder of folders) await opened.#add(folder)
    return opened
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  async #add(folder: string): Promise<void> {
    if (this.#closed || this.#watchers.has(folder)) return
    try {
      const watcher = watch(folder, (_event, name) => this.#heard(folder, name))
      watcher.on('error', () => this.#remove(folder))
      this.#watchers.set(folder, watcher)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#options.failed(error as Error)
      return
    }
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (ignored(entry.name)) continue
      const path = join(folder, entry.name)
      this.#known.add(path)
      if (entry.isDirectory()) await this.#add(path)
    }
  }

  #remove(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  #heard(folder: string, name: string | null): void {
    if (name === null || ignored(name)) return
    const path = join(folder, name)
    void stat(path).then(
      async (found) => {
        if (!found.isDirectory()) return this.#note(path)
        const known = this.#watchers.has(path)
        this.#known.add(path)
        await this.#add(path)
        // Files that were written before the watcher stood were not heard.
        if (!known)
          for (const inside of await readdir(path).catch(() => [])) if (!ignored(inside)) this.#note(join(path, inside))
      },
      () => {
        this.#remove(path)
        this.#note(path)
      },
    )
  }

  #note(path: string): void {
    if (this.#closed) return
    this.#changes.add(path)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#tell(), this.#options.calmMs ?? 150)
  }

  async #tell(): Promise<void> {
    const paths = [...this.#changes].sort()
    this.#changes.clear()
    const files: string[] = []
    for (const path of paths) {
      const exists = await stat(path).then(
        () => true,
        () => false,
      )
      if (exists) this.#known.add(path)
      // Gone, and never there: somebody's temporary file.
      else if (!this.#known.delete(path)) continue
      files.push(path)
    }
    if (files.length > 0 && !this.#closed) this.#options.changed(files)
  }
}

function ignored(name: string): boolean {
  return passedOver.has(name) || noise.test(name)
}
