/**
 * What starts the program in a folder, where the folder says so. A guess that is wrong costs more than none: what is not
 * plain is left to the user.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The marks of a project of its own, by language. */
const manifests = ['package.json', 'pyproject.toml', 'requirements.txt', 'go.mod', 'Cargo.toml', 'pom.xml', 'Gemfile']

export interface Manifest {
  name?: string
  type?: string
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  workspaces?: unknown
}

export function isProject(folder: string): boolean {
  return manifests.some((name) => read(join(folder, name)) !== undefined)
}

/** Undefined where there is none, or none that can be read. */
export function manifestOf(folder: string): Manifest | undefined {
  try {
    // npm reads past a byte order mark, too.
    const found: unknown = JSON.parse((read(join(folder, 'package.json')) ?? '').replace(/^\uFEFF/, ''))
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Manifest) : undefined
  } catch {
    return undefined
  }
}

/** The command that starts what is in `folder`, to be run in the folder `from`; undefined where it cannot be told. */
export function startCommand(folder: string, from: string): string | undefined {
  return ofNode(folder, from) ?? ofPython(folder, from) ?? ofGo(folder, from)
}

function ofNode(folder: string, from: string): string | undefined {
  const scripts = manifestOf(folder)?.scripts ?? {}
  // A script that runs us would start itself.
  const script = ['dev', 'start'].find((name) => {
    const text = scripts[name]
    return typeof text === 'string' && !/\bspandrel\b/.test(text)
  })
  if (script === undefined) return undefined
  return `npm ${folder === from ? '' : `--prefix ${place(folder, from)} `}run --silent ${script}`
}

function ofPython(folder: string, from: string): string | undefined {
  for (const file of ['main.py', 'app.py', 'server.py']) {
    const text = read(join(folder, file))
    if (text === undefined) continue
    if (/^if __name__ == ['"]__main__['"]:/m.test(text)) return inFolder(folder, from, `python3 ${file}`)
    const app = /^(\w+)\s*=\s*FastAPI\(/m.exec(text)?.[1]
    // dev's shell fills in $PORT.
    if (app !== undefined) return inFolder(folder, from, `uvicorn ${file.replace('.py', '')}:${app} --port $PORT`)
  }
  return read(join(folder, 'manage.py')) === undefined
    ? undefined
    : inFolder(folder, from, 'python3 manage.py runserver $PORT')
}

function ofGo(folder: string, from: string): string | undefined {
  const isProgram = /^package main\b/m.test(read(join(folder, 'main.go')) ?? '')
  return isProgram ? inFolder(folder, from, 'go run .') : undefined
}

function inFolder(folder: string, from: string, command: string): string {
  return folder === from ? command : `cd ${place(folder, from)} && exec ${command}`
}

function place(folder: string, from: string): string {
  return shellWord(folder.slice(from.length + 1))
}

/** A path as a shell reads it, blanks and all. */
export function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
