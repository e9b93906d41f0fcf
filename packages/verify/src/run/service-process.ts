/** Kills the service under attack and starts it again. What "ready" means is asked of the service, never slept for. */
import { setTimeout as pause } from 'node:timers/promises'
import { prepare } from '../wire/prepare.ts'

/** How the processes of the target are ended and started; given by the caller, because only it knows how. */
export interface ProcessControl {
  /** Resolves when the kill was carried out. It must not be polite: SIGKILL, `docker kill`. */
  kill(): Promise<void>
  start(): Promise<void>
  /** why it will never be ready; undefined: nothing says so */
  failed?(): string | undefined
}

export interface ServiceProcessOptions {
  readonly control: ProcessControl
  /** each answers (below 500) when its instance can be used */
  readonly ready: readonly string[]
  /** for one start; default 30 s */
  readonly startMs?: number
}

export class ServiceProcess {
  readonly #options: ServiceProcessOptions

  constructor(options: ServiceProcessOptions) {
    this.#options = options
  }

  /** Resolves true when every instance is seen to be gone: nobody listens there. */
  async kill(): Promise<boolean> {
    await this.#options.control.kill()
    const until = performance.now() + 5000
    for (;;) {
      const answers = await Promise.all(this.#options.ready.map((url) => answered(url)))
      if (answers.every((status) => status === undefined)) return true
      if (performance.now() > until) return false
      await pause(10)
    }
  }

  /** Starts it and waits until every instance is ready. Throws where that takes too long. */
  async start(): Promise<void> {
    await this.#options.control.start()
    await this.ready()
  }

  async ready(): Promise<void> {
    const until = performance.now() + (this.#options.startMs ?? 30_000)
    for (const url of this.#options.ready) {
      for (;;) {
        const status = await answered(url)
        if (status !== undefined && status < 500) break
        const failed = this.#options.control.failed?.()
        if (failed !== undefined) throw new ServiceNotReady(failed)
        if (performance.now() > until)
          throw new ServiceNotReady(`${url} ${status === undefined ? 'does not answer' : `answers ${status}`}`)
        await pause(20)
      }
    }
  }
}

/** The service was started and did not become ready. */
export class ServiceNotReady extends Error {
  override readonly name = 'ServiceNotReady'
}

async function answered(url: string): Promise<number | undefined> {
  const prepared = prepare({ method: 'GET', url, headers: [] }, { within: [url], timeoutMs: 2000 })
  await prepared.ready
  prepared.release()
  const { outcome } = await prepared.done
  return outcome.kind === 'answer' ? outcome.answer.status : undefined
}
