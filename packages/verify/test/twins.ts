/** Correct servers of different makes: nothing they do may be failed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { FaultProxy } from '../src/faults/tcp-proxy.ts'
import { type Attacked, attack, attackOrders, changedPlan, failures, planOf } from './attack-server.ts'
import { startCard } from './servers/order-server.ts'
import { WaitingServer } from './servers/waiting-server.ts'

interface Twin {
  what: string
  attack: (seed?: number) => Promise<Attacked>
}

export const twins = {
  claiming: {
    what: 'plain Node: claims keys, refuses copies; two instances',
    attack: (seed) => attackOrders(undefined, seeded(seed)),
  },
  jittery: {
    what: 'the same with jitter, every tenth answer 50 ms late, and the clocks of its two instances a minute apart',
    attack: (seed) =>
      attackOrders(undefined, { ...seeded(seed), server: { jitterMs: 20 }, second: { skewMs: 60_000 } }),
  },
  waiting: { what: 'plain Node, another design: copies wait for one promise', attack: attackWaiting },
  python: { what: 'the standard library of Python: threads and SQLite', attack: attackPython },
} as const satisfies Record<string, Twin>

export type TwinName = keyof typeof twins

export async function attackTwin(name: TwinName, seed?: number): Promise<Attacked & { found: string[] }> {
  const attacked = await (twins[name] as Twin).attack(seed)
  return { ...attacked, found: failures(attacked.report) }
}

/** `{ seed }` only where there is one. */
function seeded(seed: number | undefined): { seed?: number } {
  return seed === undefined ? {} : { seed }
}

async function withCard<T>(work: (card: string, proxy: FaultProxy) => Promise<T>): Promise<T> {
  const card = await startCard()
  const proxy = await FaultProxy.start({
    name: 'card',
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: card.port },
  })
  try {
    return await work(`http://127.0.0.1:${proxy.port}`, proxy)
  } finally {
    await Promise.all([proxy.close(), card.close()])
  }
}

async function attackWaiting(seed?: number): Promise<Attacked> {
  const plan = await changedPlan((text) => text.replaceAll('onOverlap: reject', 'onOverlap: wait'))
  return await withCard(async (card, proxy) => {
    const server = await WaitingServer.start(card)
    try {
      return await attack({ plan, instances: [server.url], dependencies: [proxy], ...seeded(seed) })
    } finally {
      await server.close()
    }
  })
}

async function attackPython(seed?: number): Promise<Attacked> {
  const plan = await planOf()
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-twin-'))
  try {
    return await withCard(async (card, proxy) => {
      const children: ChildProcess[] = []
      const start = async (): Promise<string> => {
        const script = fileURLToPath(new URL('servers/order_server.py', import.meta.url))
        const child = spawn('python3', ['-u', script, join(folder, 'orders.db'), card], {
          // Its end is the end of whoever started it, however that died.
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        children.push(child)
        const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
        return `http://127.0.0.1:${port}`
      }
      try {
        const instances = [await start(), await start()]
        return await attack({ plan, instances, dependencies: [proxy], ...seeded(seed) })
      } finally {
        for (const child of children) {
          child.kill('SIGKILL')
          await once(child, 'close')
        }
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
