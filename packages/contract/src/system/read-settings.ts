import { parseExpression } from '../guarantees/expression.ts'
import type { Findings } from '../findings/findings.ts'
import { didYouMean } from '../findings/nearest.ts'
import type { AnswerMode, Gateway, Offer, Setting, Workflow } from '../model/system.ts'
import { optional } from '../model/optional.ts'
import { entriesAt, field, flagAt, listAt, mapAt, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { SystemFile } from './read-files.ts'
import type { Environment } from './variables.ts'
import { overrideName, readSetting } from './variables.ts'

/** The parts of spandrel.yaml that are no contracts: transport, gateway, workflows, URLs. */

export function readTransport(root: Node, env: Environment, findings: Findings): Setting {
  const setting = settingAt(root, 'transport', env, findings, [
    'postgres',
    'postgresql',
    'kafka',
    'amqp',
    'amqps',
    'nats',
  ])
  if (setting !== undefined) return setting
  const value = env[overrideName('/transport')] ?? 'postgres:'
  return { text: 'postgres:', value, default: 'postgres:', missing: [], location: root.at }
}

/** A URL of spandrel.yaml with one of the given schemes; its variables may be unset. */
export function settingAt(
  owner: Node,
  key: string,
  env: Environment,
  findings: Findings,
  schemes: readonly string[],
): Setting | undefined {
  const node = field(owner, key)
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return undefined
  const setting = readSetting(node, env, findings)
  const { value } = setting
  if (value === undefined) return setting
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(value)?.[1]?.toLowerCase() ?? ''
  const shown = setting.text === value ? `\`${key}: ${value}\`` : `\`${key}: ${setting.text}\``
  if (!schemes.includes(scheme)) {
    const list = schemes.map((one) => `${one}:`).join(', ')
    const hint = didYouMean(scheme, schemes, `begin it with one of ${list}`)
    findings.error(node.at, 'wrong-url', `${shown} is no URL of a kind used here (${list})`, hint)
  } else if (value !== `${scheme}:` && !URL.canParse(value)) {
    findings.error(node.at, 'wrong-url', `${shown} cannot be read as a URL`, 'write it like `http://127.0.0.1:7001`')
  }
  return setting
}

export function readWorkflows(files: readonly SystemFile[], findings: Findings): ReadonlyMap<string, Workflow> {
  const found = new Map<string, Workflow>()
  for (const { root } of files) {
    for (const [name, { keyAt, value }] of entriesAt(root, 'workflows')) {
      const first = found.get(name)
      if (first !== undefined) {
        const message = `the workflow \`${name}\` exists already (${first.location.file.split('/').slice(-2).join('/')}:${first.location.line})`
        findings.error(keyAt, 'duplicate-workflow', message, 'keep one of them')
        continue
      }
      const coordination = textAt(value, 'coordination') === 'orchestration' ? 'orchestration' : 'choreography'
      found.set(name, { name, coordination, owner: textAt(value, 'owner') ?? '', location: keyAt })
    }
  }
  return found
}

export function readGateway(root: Node, env: Environment, findings: Findings): Gateway | undefined {
  const node = mapAt(root, 'gateway')
  if (node === undefined) return undefined
  const { host, port } = readListen(field(node, 'listen'), findings)
  const caller = field(node, 'caller')
  const expression = parseExpression(text(caller) ?? '')
  if (caller !== undefined && expression !== undefined && !expression.source.startsWith('request.')) {
    const message = `\`caller: ${text(caller)}\` looks at a message; the gateway sees requests`
    findings.error(caller.at, 'wrong-expression', message, 'use `$request.jwt#/sub` or `$request.header.…`')
  }
  const tenant = field(node, 'tenant')
  const tenantExpression = parseExpression(text(tenant) ?? '')
  if (tenant !== undefined && tenantExpression !== undefined && tenantExpression.source !== 'request.jwt') {
    const message = `\`tenant: ${text(tenant)}\` is no claim of a token, and nothing else is to be believed`
    findings.error(tenant.at, 'wrong-expression', message, 'use `$request.jwt#/tenant`')
  }
  const jwt = mapAt(node, 'jwt')
  const jwks = textAt(jwt, 'jwks')
  const trusted = mapAt(node, 'trusted')
  const header = textAt(trusted, 'header')
  return {
    host,
    port,
    ...optional('caller', expression),
    ...(jwks === undefined
      ? {}
      : {
          jwt: { jwks, ...optional('issuer', textAt(jwt, 'issuer')), ...optional('audience', textAt(jwt, 'audience')) },
        }),
    ...optional('apiKeys', textAt(node, 'apiKeys')),
    ...(header === undefined
      ? {}
      : { trusted: { header, from: listAt(trusted, 'from').flatMap((item) => text(item) ?? []) } }),
    ...optional('database', settingAt(node, 'database', env, findings, ['postgres', 'postgresql'])),
    ...optional('tenant', tenantExpression),
    ...optional('answers', answersAt(node)),
    ...readTls(node),
    location: node.at,
  }
}

/** The structure has judged the word. */
function answersAt(node: Node): AnswerMode | undefined {
  const word = textAt(node, 'answers')
  return word === 'off' || word === 'warn' || word === 'enforce' ? word : undefined
}

/** `gateway:` of a service. */
export function readOffer(service: Node): Offer | undefined {
  const node = mapAt(service, 'gateway')
  if (node === undefined) return undefined
  const version = mapAt(node, 'version')
  const header = textAt(version, 'header')
  const value = textAt(version, 'value')
  return {
    ...optional('path', textAt(node, 'path')),
    ...(header === undefined || value === undefined
      ? {}
      : { version: { header, value, default: flagAt(version, 'default') ?? false } }),
    ...optional('deprecated', textAt(node, 'deprecated')),
    ...optional('sunset', textAt(node, 'sunset')),
    ...optional('answers', answersAt(node)),
    location: node.at,
  }
}

function readTls(node: Node): Pick<Gateway, 'tls' | 'upstream'> {
  const tls = mapAt(node, 'tls')
  const [cert, key] = [textAt(tls, 'cert'), textAt(tls, 'key')]
  const upstream = mapAt(node, 'upstream')
  const http2 = field(upstream, 'http2')
  return {
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(upstream === undefined
      ? {}
      : {
          upstream: {
            ...optional('ca', textAt(upstream, 'ca')),
            ...optional('breaker', flagAt(upstream, 'breaker')),
            ...optional('http2', http2?.kind === 'scalar' ? http2.value === true : undefined),
          },
        }),
  }
}

/** On this machine only, unless a host is named: a gateway open to a network is a decision. */
function readListen(node: Node | undefined, findings: Findings): { host: string; port: number } {
  const value = node?.kind === 'scalar' ? String(node.value) : '8080'
  const [, host = '127.0.0.1', digits = '8080'] = /^(?:(.+):)?(\d+)$/.exec(value) ?? []
  const port = Number(digits)
  if (node?.kind === 'scalar' && typeof node.value === 'string' && port > 65_535) {
    findings.error(node.at, 'out-of-range', `\`listen: ${value}\` is no port`, 'write a number up to 65535')
  }
  return { host: host.replace(/^\[|\]$/g, ''), port }
}
