/**
 * A TCP proxy between the service and one of its dependencies. It passes bytes on, holds them back (`stall`), or cuts
 * and refuses connections (`refuse`), and counts who met the fault: a fault nobody met proves nothing.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface ProxyOptions {
  readonly name: string
  /** where to listen; port 0: the system chooses */
  readonly listen: { readonly host: string; readonly port: number }
  readonly target: { readonly host: string; readonly port: number }
}

type Mode = 'pass' | 'stall' | 'refuse'

export class FaultProxy {
  readonly name: string
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<{ near: Socket; far: Socket; held: [from: Socket, chunk: Buffer][]; stuck: boolean }>()
  #mode: Mode = 'pass'
  #hits = 0
  /** what a stall is about, and how often each was met; undefined: everything */
  #about: Map<string, number> | undefined

  static async start(options: ProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    proxy.#server.listen(options.listen.port, options.listen.host)
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor({ name, target }: ProxyOptions) {
    this.name = name
    this.#target = target
    this.#server = createServer((near) => this.#accept(near))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** how often the fault was met since it began */
  get hits(): number {
    return this.#hits
  }

  /** New connections are cut, and those that exist are cut now. */
  refuse(): void {
    this.#begin('refuse')
    for (const pair of this.#pairs) {
      pair.near.resetAndDestroy()
      pair.far.destroy()
    }
  }

  /**
   * Bytes towards the dependency wait until `heal`. `about`: only on connections where one of these texts goes by, from
   * then on; what is encrypted is not seen.
   */
  stall(about?: readonly string[]): void {
    this.#begin('stall')
    this.#about = about && new Map(about.map((text) => [text, 0]))
  }

  /** How often the stall held something up that this text was in. */
  hitsAbout(text: string): number {
    return this.#about?.get(text) ?? 0
  }

  /** Passes everything on again; returns how often the fault was met since it began. */
  heal(): number {
    this.#mode = 'pass'
    for (const pair of this.#pairs) {
      const { near, far, held } = pair
      pair.stuck = false
      for (const [from, chunk] of held.splice(0)) (from === near ? far : near).write(chunk)
    }
    return this.#hits
  }

  /** Heals for whatever comes now; connections that met the stall stay held up until they are closed. Returns as `heal`. */
  abandon(): number {
    this.#mode = 'pass'
    return this.#hits
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy()
      far.destroy()
    }
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #begin(mode: Mode): void {
    this.#mode = mode
    this.#hits = 0
    this.#about = undefined
  }

  /** Is this to be held up? */
  #meets(chunk: Buffer): boolean {
    if (this.#mode !== 'stall') return false
    if (this.#about === undefined) return true
    const [text] = [...this.#about.keys()].filter((one) => chunk.includes(one))
    if (text !== undefined) this.#about.set(text, (this.#about.get(text) ?? 0) + 1)
    return text !== undefined
  }

  #accept(near: Socket): void {
    if (this.#mode === 'refuse') {
      this.#hits++
      near.on('error', () => {})
      near.resetAndDestroy()
      return
    }
    const far = connect(this.#target)
    const pair = { near, far, held: [] as [Socket, Buffer][], stuck: false }
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    near.on('data', (chunk: Buffer) => {
      const met = this.#meets(chunk)
      if (met || pair.stuck) {
        if (met) this.#hits++
        pair.stuck = true
        pair.held.push([near, chunk])
      } else far.write(chunk)
    })
    far.on('data', (chunk: Buffer) => near.write(chunk))
  }
}
