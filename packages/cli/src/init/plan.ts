/**
 * What `init` writes: at most four files, none of them over one that is there.
 *
 *   contracts found       spandrel.yaml
 *   none, JavaScript      spandrel.yaml, a contract, main.ts, and a package.json where modules need one: in `notes/` where
 *                         there is a project, or a file of one of these names
 *   none, other language  spandrel.yaml, a contract
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '../output/command-error.ts'
import { variable } from '../system/database-url.ts'
import { shown } from '../system/find-config.ts'
import { version } from '../program.ts'
import { firstContract, firstMain } from './first-service.ts'
import { written } from './names.ts'
import { manifestOf } from './start-command.ts'
import type { FoundService, Survey } from './survey.ts'

export interface PlannedFile {
  /** absolute */
  path: string
  text: string
}

/** A document that has faults of its own, and so would stop everything else. */
export interface FaultyDocument {
  path: string
  errors: number
}

export interface Plan {
  files: PlannedFile[]
  /** a service that `dev` can start is among them */
  starts: boolean
  /** a service was written, too */
  sample: boolean
  /** what must be installed first, as npm takes it */
  missing: string[]
}

const schema = 'https://unpkg.com/@spandrel/contract/schemas/spandrel.schema.json'

export function plan(found: Survey, faulty: readonly FaultyDocument[]): Plan {
  return found.services.length > 0 ? ofDocuments(found, faulty) : found.foreign ? ofOtherLanguage(found) : sample(found)
}

/** spandrel.yaml of what was found; `place` says how a document is written. */
export function systemFile(
  found: Survey,
  faulty: readonly FaultyDocument[],
  place: (path: string) => string = (path) => written(path, found.root),
): string {
  const taken = new Set(found.services.flatMap(({ port }) => port ?? []))
  let next = 7001
  const freePort = (): number => {
    while (taken.has(next)) next++
    taken.add(next)
    return next
  }
  const used = new Set<number>()
  const lines = head(found.system)
  for (const service of found.services) {
    const good = service.documents.filter((path) => !faulty.some((one) => one.path === path))
    const bad = faulty.filter((one) => service.documents.includes(one.path))
    for (const { path, errors } of bad) {
      lines.push(`  # left out, because it has ${errors} ${errors === 1 ? 'fault' : 'faults'}: ${place(path)}`)
    }
    if (good.length === 0) continue
    const port = service.port !== undefined && !used.has(service.port) ? service.port : freePort()
    used.add(port)
    lines.push(...serviceLines(found, service, good.map(place), port))
  }
  return `${lines.join('\n')}\n`
}

function head(system: string): string[] {
  return [`# yaml-language-server: $schema=${schema}`, 'version: 1', `system: ${system}`, 'services:']
}

function serviceLines(found: Survey, service: FoundService, contracts: readonly string[], port: number): string[] {
  const url = `\${${variable(service.name, 'URL')}:-http://127.0.0.1:${port}}`
  const lines = [
    `  ${service.name}:`,
    '    # owner: the team that answers for it',
    `    contracts: [${contracts.map(quoted).join(', ')}]`,
  ]
  if (service.runtime) lines.push('    keys: service # it is built on @spandrel/runtime')
  lines.push(`    url: ${url}`)
  if (service.messages && !service.runtime) {
    const own = variable(service.name, 'DATABASE_URL')
    const name = found.services.length === 1 ? (found.databaseVariable ?? own) : own
    lines.push(
      `    database: \${${name}} # its outbox is there; any language writes it with spandrel.publish(...)`,
      `    # events: ${url}/events # messages for it are posted here`,
    )
  }
  lines.push(
    service.start === undefined
      ? '    # dev: the command that starts it in `spandrel dev`, listening on $PORT'
      : `    dev: ${quoted(service.start)}`,
  )
  return lines
}

function ofDocuments(found: Survey, faulty: readonly FaultyDocument[]): Plan {
  const files = [{ path: join(found.root, 'spandrel.yaml'), text: systemFile(found, faulty) }]
  const all = new Set(faulty.map(({ path }) => path))
  const kept = found.services.filter(({ documents }) => documents.some((path) => !all.has(path)))
  return { files, starts: kept.some(({ start }) => start !== undefined), sample: false, missing: [] }
}

function ofOtherLanguage(found: Survey): Plan {
  const contract = `api/${found.system}.openapi.yaml`
  const service: FoundService = {
    name: found.system,
    documents: [],
    messages: false,
    requests: true,
    runtime: false,
    ...(found.start !== undefined && { start: found.start }),
  }
  const lines = [...head(found.system), ...serviceLines(found, service, [contract], 7001)]
  const files = [
    { path: join(found.root, 'spandrel.yaml'), text: `${lines.join('\n')}\n` },
    { path: join(found.root, contract), text: firstContract(found.system) },
  ]
  return { files, starts: found.start !== undefined, sample: false, missing: [] }
}

function sample(found: Survey): Plan {
  const { root, manifest, system } = found
  const empty = manifest === undefined
  const taken = ['main.ts', 'notes.openapi.yaml', 'notes.contract.ts'].some((name) => existsSync(join(root, name)))
  const folder = empty && !taken ? '' : 'notes/'
  const text = `${head(system).join('\n')}
  notes:
    owner: team-${system}
    contracts: [${folder}notes.openapi.yaml]
    keys: service # it is built on @spandrel/runtime, which keeps its key records
    url: \${NOTES_URL:-http://127.0.0.1:7001}
    dev: node ${folder}main.ts
`
  const files: PlannedFile[] = [
    { path: join(root, 'spandrel.yaml'), text },
    { path: join(root, `${folder}notes.openapi.yaml`), text: firstContract('Notes') },
    { path: join(root, `${folder}main.ts`), text: firstMain },
  ]
  if (empty) files.push({ path: join(root, 'package.json'), text: json(firstManifest(system, `${folder}main.ts`)) })
  // main.ts is a module, whatever the rest of the repository is.
  else if ((manifestOf(join(root, 'notes')) ?? manifest).type !== 'module')
    files.push({ path: join(root, 'notes/package.json'), text: json({ private: true, type: 'module' }) })
  const has = { ...manifest?.dependencies, ...manifest?.devDependencies }
  const missing = empty ? [] : ['@spandrel/runtime', 'pg', 'spandrel'].filter((name) => !Object.hasOwn(has, name))
  return { files, starts: true, sample: true, missing }
}

function firstManifest(name: string, main: string): object {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'spandrel dev', start: `node ${main}` },
    dependencies: { '@spandrel/runtime': `^${version()}`, pg: `^${dependencies['pg']}` },
    devDependencies: { spandrel: `^${version()}` },
  }
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** A text as a YAML scalar. */
function quoted(text: string): string {
  return /^[\w./@](?:[\w./@ $&'=-]|:(?=\S))*$/.test(text) ? text : JSON.stringify(text)
}

/** Each file of the plan rests on the others: one that somebody else wrote would be taken for ours. */
export function refuseTaken(files: readonly PlannedFile[]): void {
  const taken = files.filter(({ path }) => existsSync(path)).map(({ path }) => shown(path))
  if (taken.length === 0) return
  const [one, what] = taken.length === 1 ? ['it', 'a file'] : ['them', 'files']
  throw new CommandError(
    `nothing was written: ${taken.join(', ')} would be ours, and ${what} of that name stands there`,
    {
      where: taken.join(', '),
      fix: `move ${one} away, or run \`spandrel init\` in another folder`,
    },
  )
}
