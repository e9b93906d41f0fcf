/**
 * `.spandrel/dev.json`: what a running `spandrel dev` has started, so that other commands find its databases.
 * It says which process wrote it; one that is gone makes the file stale.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processIdentity } from '../embedded/process-identity.ts'

export interface DevState {
  pid: number
  identity: string | undefined
  system: string
  startedAt: string
  gateway?: string
  /** of the gateway's key records */
  gatewayDatabase?: string
  transport: string
  services: Record<string, { url?: string; database: string }>
}

/** The folder beside spandrel.yaml that belongs to us. */
export function stateFolder(systemFolder: string): string {
  return join(systemFolder, '.spandrel')
}

/** What runs now, or undefined where nothing does. */
export async function runningDev(systemFolder: string): Promise<DevState | undefined> {
  const text = await readFile(join(stateFolder(systemFolder), 'dev.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const state = JSON.parse(text) as DevState
    return state.identity !== undefined && (await processIdentity(state.pid)) === state.identity ? state : undefined
  } catch {
    return undefined
  }
}

/** Whether a `dev` was cut off here: what it started may still be on its way out. */
export async function wasCutOff(systemFolder: string): Promise<boolean> {
  const text = await readFile(join(stateFolder(systemFolder), 'dev.json'), 'utf8').catch(() => undefined)
  return text !== undefined && (await runningDev(systemFolder)) === undefined
}

export async function writeState(systemFolder: string, state: Omit<DevState, 'pid' | 'identity'>): Promise<void> {
  const folder = stateFolder(systemFolder)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, '.gitignore'), '*\n')
  const path = join(folder, 'dev.json')
  const half = `${path}.${process.pid}`
  const whole: DevState = { pid: process.pid, identity: await processIdentity(process.pid), ...state }
  // It holds connection strings; a reader never sees half of it.
  await writeFile(half, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 })
  await rename(half, path)
}

export async function removeState(systemFolder: string): Promise<void> {
  await rm(join(stateFolder(systemFolder), 'dev.json'), { force: true })
}
