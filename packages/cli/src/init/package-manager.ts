/** Which package manager a folder is kept with, by its lock file, and how its commands are typed. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { manifestOf } from './start-command.ts'

export interface PackageManager {
  /** installs what package.json names */
  install: string
  /** followed by names */
  add: string
  addForDevelopment: string
  /** followed by the arguments of `spandrel` */
  spandrel: string
}

const locks = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
  'package-lock.json': 'npm',
} as const

/**
 * The lock file may stand above, at the root of a workspace. Without one it is npm, which comes with Node. Where
 * `spandrel` is no dependency of the folder only npx finds it.
 */
export function packageManagerOf(folder: string, options: { installs: boolean }): PackageManager {
  const { dependencies, devDependencies } = manifestOf(folder) ?? {}
  const installed = options.installs || Object.hasOwn({ ...dependencies, ...devDependencies }, 'spandrel')
  const found = nearest(folder)
  return installed ? found : { ...found, spandrel: 'npx spandrel' }
}

function nearest(folder: string): PackageManager {
  for (let at = folder; ; at = dirname(at)) {
    const [, name] = Object.entries(locks).find(([file]) => existsSync(join(at, file))) ?? []
    if (name !== undefined) return commandsOf(name, at === folder && asksForRoot(name, at))
    if (existsSync(join(at, '.git')) || dirname(at) === at) return commandsOf('npm', false)
  }
}

function commandsOf(name: (typeof locks)[keyof typeof locks], root: boolean): PackageManager {
  if (name === 'npm')
    return {
      install: 'npm install',
      add: 'npm install',
      addForDevelopment: 'npm install --save-dev',
      spandrel: 'npx spandrel',
    }
  const add = `${name} add${root ? (name === 'pnpm' ? ' -w' : ' -W') : ''}`
  const spandrel = { pnpm: 'pnpm exec spandrel', yarn: 'yarn spandrel', bun: 'bunx spandrel' }[name]
  return { install: `${name} install`, add, addForDevelopment: `${add} -D`, spandrel }
}

/** pnpm, and Yarn 1, refuse to add to the root of a workspace unless they are told that it is meant. */
function asksForRoot(name: string, folder: string): boolean {
  if (name === 'pnpm') return existsSync(join(folder, 'pnpm-workspace.yaml'))
  if (name !== 'yarn' || manifestOf(folder)?.workspaces === undefined) return false
  return /^# yarn lockfile v1$/m.test(readFileSync(join(folder, 'yarn.lock'), 'utf8'))
}
