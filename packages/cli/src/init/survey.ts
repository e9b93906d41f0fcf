/** What is in a folder already: contracts, projects, how they start, and where their database is said to be. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { contractsBelow } from '../system/named-documents.ts'
import { asName, serviceOf } from './names.ts'
import { isProject, type Manifest, manifestOf, startCommand } from './start-command.ts'

export interface FoundService {
  name: string
  /** absolute paths */
  documents: string[]
  start?: string
  /** the port that its document names on this machine */
  port?: number
  messages: boolean
  requests: boolean
  /** built on our runtime: it keeps its own key records */
  runtime: boolean
}

export interface Survey {
  root: string
  system: string
  manifest: Manifest | undefined
  services: FoundService[]
  /** contracts of tests and build output, which nobody promises anything with */
  passedOver: string[]
  /** how the folder's own program starts */
  start: string | undefined
  /** another language than JavaScript lives here */
  foreign: boolean
  /** the environment variable that holds a Postgres URL, if one does; never its value */
  databaseVariable: string | undefined
}

/** Folders whose documents are examples, copies or output. */
const notPromised =
  /^(?:tests?|__tests__|fixtures?|testdata|mocks?|__mocks__|dist|build|out|target|coverage|vendor|venv)$/

/** Reads the folder and those below it; writes nothing. `name`: what the system is to be called. */
export function survey(root: string, name: string | undefined, env: NodeJS.ProcessEnv): Survey {
  const manifest = manifestOf(root)
  const system = asName(name ?? manifest?.name ?? basename(root), 'system')
  const all = contractsBelow(root)
  const promised = all.filter(
    (path) =>
      !dirname(relative(root, path))
        .split(sep)
        .some((part) => notPromised.test(part)),
  )
  return {
    root,
    system,
    manifest,
    services: servicesOf(promised, root, system),
    passedOver: all.filter((path) => !promised.includes(path)),
    start: startCommand(root, root),
    foreign: manifest === undefined && isProject(root),
    databaseVariable: databaseVariable(root, env),
  }
}

function servicesOf(documents: readonly string[], root: string, system: string): FoundService[] {
  const byName = Map.groupBy(documents, (path) => serviceOf(path, root, system))
  const places = new Map([...byName].map(([name, [first = root]]) => [name, projectOf(first, root)]))
  return [...byName].map(([name, own]): FoundService => {
    const folder = places.get(name) ?? root
    const neighbours = [...places].filter(([, place]) => place === folder)
    // Of several services in one project it starts at most the one it is called after.
    const starts = neighbours.length === 1 || asName(manifestOf(folder)?.name ?? basename(folder), '') === name
    const start = starts ? startCommand(folder, root) : undefined
    const texts = own.map((path) => readFileSync(path, 'utf8'))
    const port = texts.map(portOf).find((one) => one !== undefined)
    const messages = texts.some((text) => /^[\s{]*["']?asyncapi["']?\s*:/m.test(text))
    const { dependencies = {} } = manifestOf(folder) ?? {}
    return {
      name,
      documents: [...own],
      messages,
      requests: texts.some((text) => !/^[\s{]*["']?asyncapi["']?\s*:/m.test(text)),
      runtime: Object.hasOwn(dependencies, '@spandrel/runtime'),
      ...(start !== undefined && { start }),
      ...(port !== undefined && { port }),
    }
  })
}

/** The nearest project around a document. */
function projectOf(document: string, root: string): string {
  for (let folder = dirname(document); folder.startsWith(root + sep); folder = dirname(folder)) {
    if (isProject(folder)) return folder
  }
  return root
}

function portOf(text: string): number | undefined {
  const port = Number(/\bhttps?:\/\/(?:localhost|127\.0\.0\.1):(\d{1,5})\b/.exec(text)?.[1])
  return port > 0 && port <= 65_535 ? port : undefined
}

function databaseVariable(root: string, env: NodeJS.ProcessEnv): string | undefined {
  const lines = ['.env', '.env.local', '.env.example'].flatMap((file) => {
    try {
      return readFileSync(join(root, file), 'utf8').split('\n')
    } catch {
      return []
    }
  })
  const written = lines.map(
    (line) => /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*["']?postgres(?:ql)?:\/\//.exec(line)?.[1],
  )
  const set = Object.keys(env).filter((name) => /^postgres(?:ql)?:\/\//.test(env[name] ?? ''))
  const names = [...written.filter((name) => name !== undefined), ...set].filter(
    (name) => !name.startsWith('SPANDREL_'),
  )
  return names.includes('DATABASE_URL') ? 'DATABASE_URL' : names[0]
}
