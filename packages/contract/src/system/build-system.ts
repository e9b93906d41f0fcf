import type { Findings } from '../findings/findings.ts'
import type { Integration, IntegrationStyle } from '../model/integration.ts'
import type { Channel, SystemChannel } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import type { Service, Setting, System } from '../model/system.ts'
import type { References } from '../service/reading.ts'
import { readService } from '../service/read-service.ts'
import type { ServiceContent } from '../service/read-service.ts'
import { entriesAt, field, flagAt, numberAt, textAt } from '../source/node.ts'
import type { Entry } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import { linkChannels } from './link-channels.ts'
import { linkUses } from './link-uses.ts'
import type { SystemFile } from './read-files.ts'
import { readCheck } from './read-check.ts'
import { readGateway, readOffer, readTransport, readWorkflows, settingAt } from './read-settings.ts'
import { resolveReferences } from './resolve-references.ts'
import type { Environment } from './variables.ts'

interface Declared {
  readonly entry: Entry
  readonly dir: string
  readonly content: ServiceContent
  readonly url: Setting | undefined
}

export interface BuildOptions {
  /** ask the official schemas as well (`check`); false by default */
  readonly official?: boolean
}

/** Puts the files of a system together; undefined only where there is none. Whatever is wrong is a finding. */
export function buildSystem(
  files: readonly SystemFile[],
  env: Environment,
  sources: Sources,
  findings: Findings,
  { official = false }: BuildOptions = {},
): System | undefined {
  const [first] = files
  if (first === undefined) return undefined
  const { root } = first
  const defaultStyle = textAt(field(root, 'defaults'), 'style') as IntegrationStyle | undefined
  const references: References = []
  const declared = readServices(files, { sources, findings, references, defaultStyle, official }, env)
  const contents = new Map([...declared].map(([name, { content }]) => [name, content]))
  const workflows = readWorkflows(files, findings)
  const { channels, integrations } = linkChannels([...contents.values()], files, findings)
  const known = { services: contents, workflows: [...workflows.keys()], channels: [...channels.keys()] }
  resolveReferences(references, known, findings)
  const urls = new Map([...declared].flatMap(([name, { url }]) => (url === undefined ? [] : [[name, url] as const])))
  const providers = { services: contents, urls, defaultStyle }
  const services = [...declared].map(([name, one]): [string, Service] => [
    name,
    buildService(name, one, providers, channels, env, findings),
  ])
  const gateway = readGateway(root, env, findings)
  return {
    name: textAt(root, 'system') ?? 'system',
    file: first.file,
    dir: first.dir,
    services: Object.fromEntries(services),
    workflows: Object.fromEntries(workflows),
    channels: Object.fromEntries(channels),
    integrations: [...integrations, ...calls(services)],
    transport: readTransport(root, env, findings),
    ...optional('gateway', gateway),
    defaults: {
      ...optional('style', defaultStyle),
      ...optional('availability', numberAt(field(root, 'defaults'), 'availability')),
    },
    ...optional('check', readCheck(files)),
    location: root.at,
  }
}

function readServices(
  files: readonly SystemFile[],
  options: Parameters<typeof readService>[3],
  env: Environment,
): ReadonlyMap<string, Declared> {
  const { findings } = options
  const found = new Map<string, Declared>()
  for (const { root, dir } of files) {
    for (const [name, entry] of entriesAt(root, 'services')) {
      const other = found.get(name)
      if (other !== undefined) {
        const { file, line } = other.entry.keyAt
        const message = `the service \`${name}\` exists already (${file.split('/').slice(-2).join('/')}:${line})`
        findings.error(entry.keyAt, 'duplicate-service', message, 'rename one of them, or include the file once')
        continue
      }
      const url = settingAt(entry.value, 'url', env, findings, ['http', 'https'])
      found.set(name, { entry, dir, url, content: readService(name, entry.value, dir, options) })
    }
  }
  if (found.size === 0 && files[0] !== undefined) {
    const at = files[0].root.at
    findings.error(
      at,
      'no-services',
      'the system has no services',
      'add `services:`, or `include:` files that have some',
    )
  }
  return found
}

function buildService(
  name: string,
  { entry, dir, content, url }: Declared,
  providers: Parameters<typeof linkUses>[2],
  channels: ReadonlyMap<string, SystemChannel>,
  env: Environment,
  findings: Findings,
): Service {
  const node = entry.value
  const external = flagAt(node, 'external') ?? false
  const database = settingAt(node, 'database', env, findings, ['postgres', 'postgresql'])
  const events = settingAt(node, 'events', env, findings, ['http', 'https'])
  const pushed = field(node, 'events')
  if (pushed !== undefined && field(node, 'database') === undefined) {
    const message = `\`${name}\` has \`events\` and no \`database\`: what is pushed to it is kept there until it arrives`
    findings.error(pushed.at, 'missing-member', message, 'add `database: ${…_DATABASE_URL}`')
  }
  const keys = textAt(node, 'keys') as Service['keys'] | undefined
  return {
    name,
    ...optional('owner', textAt(node, 'owner')),
    external,
    version: content.documents[0]?.version ?? '0.0.0',
    ...optional('url', url),
    ...optional('database', database),
    ...optional('events', events),
    ...optional('gateway', readOffer(node)),
    ...optional('dev', textAt(node, 'dev')),
    keys: keys ?? (external || pushed !== undefined ? 'gateway' : 'service'),
    documents: content.documents,
    operations: Object.fromEntries(content.operations),
    webhooks: content.webhooks,
    channels: Object.fromEntries(
      [...content.channels].map(([address, location]) => [address, channelOf(address, location, channels)]),
    ),
    messages: Object.fromEntries(content.messages),
    sends: Object.fromEntries(content.sends),
    receives: Object.fromEntries(content.receives),
    uses: Object.fromEntries(linkUses(name, node, providers, findings).map((use) => [use.ref, use])),
    schemas: content.schemas,
    dir,
    location: entry.keyAt,
  }
}

function channelOf(
  address: string,
  location: Channel['location'],
  channels: ReadonlyMap<string, SystemChannel>,
): Channel {
  const {
    senders: _senders,
    receivers: _receivers,
    ...shared
  } = channels.get(address) ?? {
    address,
    ordered: false,
    partitions: 8,
    senders: [],
    receivers: [],
  }
  return { ...shared, location }
}

function calls(services: readonly (readonly [string, Service])[]): Integration[] {
  return services.flatMap(([consumer, { uses }]) =>
    Object.values(uses).map(({ ref, service, style, reason, until, location }) => ({
      consumer,
      provider: service,
      ref,
      kind: 'call' as const,
      style,
      ...optional('reason', reason),
      ...optional('until', until),
      location,
    })),
  )
}
