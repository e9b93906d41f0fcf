import { relative, resolve } from 'node:path'
import { readServers } from '../asyncapi/servers.ts'
import { readAsyncapi } from '../asyncapi/read-asyncapi.ts'
import type { Findings } from '../findings/findings.ts'
import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Message, ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { NamedSchema } from '../model/schema.ts'
import type { ContractDocument } from '../model/system.ts'
import { swaggerServers } from '../openapi/from-swagger.ts'
import { readOpenapi } from '../openapi/read-openapi.ts'
import { serverUrls } from '../openapi/server-urls.ts'
import { SchemaReader } from '../schema/schema-reader.ts'
import { field, flagAt, listAt, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import { checkStructure } from './check-structure.ts'
import { type DocumentKind, kindOf } from './document-kind.ts'
import { Names } from './names.ts'
import type { Reading, References } from './reading.ts'
import { sidecarBeside, Sidecars } from './sidecars.ts'

/** What the documents of a service say, before the system's files add theirs. */
export interface ServiceContent {
  readonly name: string
  readonly names: Names
  readonly documents: readonly ContractDocument[]
  readonly operations: ReadonlyMap<string, HttpOperation>
  readonly webhooks: readonly HttpOperation[]
  readonly sends: ReadonlyMap<string, SendOperation>
  readonly receives: ReadonlyMap<string, ReceiveOperation>
  readonly messages: ReadonlyMap<string, Message>
  /** address → where it is declared */
  readonly channels: ReadonlyMap<string, SourceLocation>
  readonly schemas: Readonly<Record<string, NamedSchema>>
}

export interface ServiceOptions {
  readonly sources: Sources
  readonly findings: Findings
  readonly references: References
  readonly defaultStyle: IntegrationStyle | undefined
  /** ask the official schemas as well; they take up to half a second to be made ready */
  readonly official: boolean
}

/** Reads every contract of a service; `node` is its entry in spandrel.yaml, `dir` that file's folder. */
export function readService(name: string, node: Node, dir: string, options: ServiceOptions): ServiceContent {
  const { sources, findings } = options
  const sidecars = new Sidecars(findings)
  const paths = listAt(node, 'contracts').flatMap((item) => {
    const path = text(item)
    return path === undefined ? [] : [{ file: resolve(dir, path), at: item.at }]
  })
  for (const { file, at } of paths) {
    const beside = sidecarBeside(file, sources)
    if (beside !== undefined) sidecars.read(beside, sources, at)
  }
  for (const item of [field(node, 'guarantees'), ...listAt(node, 'guarantees')]) {
    const path = text(item)
    if (item !== undefined && path !== undefined) sidecars.read(resolve(dir, path), sources, item.at)
  }
  // A vendor's document is as it is; sidecars are the reader's own.
  if (flagAt(node, 'external') === true) for (const { file } of paths) findings.soften(file)
  const schemas = new SchemaReader(sources, findings)
  const reading: Reading = { ...options, service: name, schemas, names: new Names(findings), sidecars }
  const content = new Content(reading)
  const seen = new Set<string>()
  for (const { file, at } of paths) {
    if (seen.has(file)) findings.error(at, 'duplicate-contract', 'this contract is listed twice', 'remove one of them')
    else content.read(file, at)
    seen.add(file)
  }
  if (!reading.names.incomplete) sidecars.reportUnknown(reading.names.all('operation'))
  return content.finish()
}

class Content {
  readonly #reading: Reading
  readonly #documents: ContractDocument[] = []
  readonly #operations = new Map<string, HttpOperation>()
  readonly #webhooks: HttpOperation[] = []
  readonly #sends = new Map<string, SendOperation>()
  readonly #receives = new Map<string, ReceiveOperation>()
  readonly #messages = new Map<string, Message>()
  readonly #channels = new Map<string, SourceLocation>()

  constructor(reading: Reading) {
    this.#reading = reading
  }

  read(file: string, at: SourceLocation): void {
    const { sources, findings, sidecars } = this.#reading
    const root = sources.open(file, at)
    const kind = root === undefined ? undefined : kindOf(root, file, at, findings)
    if (root === undefined || kind === undefined) {
      this.#reading.names.lacksDocument()
      return
    }
    const info = field(root, 'info')
    this.#documents.push({
      file,
      kind: kind.kind,
      specification: kind.specification,
      title: textAt(info, 'title') ?? relative(process.cwd(), file),
      version: textAt(info, 'version') ?? '0.0.0',
      ...optional('description', textAt(info, 'description')),
      ...serversOf(root, kind, this.#reading),
      ...optional('workflows', kind.key === 'arazzo' ? listAt(root, 'workflows').length : undefined),
      sidecars: sidecars.files,
      location: root.at,
    })
    const content = checkStructure(root, kind, file, this.#reading)
    if (content === undefined) {
      if (kind.key !== 'arazzo') this.#reading.names.lacksDocument()
      return
    }
    if (kind.kind === 'openapi') {
      const { operations, webhooks } = readOpenapi(content, this.#reading)
      for (const operation of operations) this.#operations.set(operation.operation, operation)
      this.#webhooks.push(...webhooks)
      return
    }
    const { sends, receives, channels } = readAsyncapi(content, this.#reading)
    for (const { address, location } of channels)
      if (!this.#channels.has(address)) this.#channels.set(address, location)
    for (const send of sends) this.#send(send)
    for (const receive of receives) {
      this.#receive(receive)
      this.#deadLetters(receive)
    }
  }

  /** A channel that dead letters are copied to is one of this service's, whether or not a document says more of it. */
  #deadLetters({ guarantees: { values, declared }, location }: ReceiveOperation): void {
    const address = values.deadLetter === 'none' ? undefined : values.deadLetter.channel
    if (address !== undefined && !this.#channels.has(address))
      this.#channels.set(address, declared.deadLetter ?? location)
  }

  /** `send('orderPlaced', …)` names a message: over all sends of a service it must mean one channel. */
  #send(operation: SendOperation): void {
    for (const message of operation.messages) {
      for (const other of this.#sends.values()) {
        if (!other.messages.some((one) => one.message === message.message)) continue
        const text = `\`${message.message}\` is sent by \`${other.operation}\` and by \`${operation.operation}\`; \`send('${message.message}', …)\` could mean either`
        const hint = 'give the message another key in one of the channels'
        this.#reading.findings.error(operation.location, 'ambiguous-message', text, hint)
      }
      this.#messages.set(message.message, message)
    }
    this.#sends.set(operation.operation, operation)
  }

  /** A subscription hands a message to the operation of its type: there must be one. */
  #receive(operation: ReceiveOperation): void {
    for (const message of operation.messages) {
      for (const other of this.#receives.values()) {
        if (other.channel !== operation.channel || !other.messages.some(({ type }) => type === message.type)) continue
        const text = `\`${message.type}\` on \`${operation.channel}\` is received by \`${other.operation}\` and by \`${operation.operation}\``
        const hint = 'let one operation receive it, or name the `messages` of each'
        this.#reading.findings.error(operation.location, 'ambiguous-receiver', text, hint)
      }
      if (!this.#messages.has(message.message)) this.#messages.set(message.message, message)
    }
    this.#receives.set(operation.operation, operation)
  }

  finish(): ServiceContent {
    const { service, names, schemas } = this.#reading
    return {
      name: service,
      names,
      documents: this.#documents,
      operations: this.#operations,
      webhooks: this.#webhooks,
      sends: this.#sends,
      receives: this.#receives,
      messages: this.#messages,
      channels: this.#channels,
      schemas: schemas.named,
    }
  }
}

/** Where it is served: a list of URLs in OpenAPI, named brokers in AsyncAPI. */
function serversOf(
  root: Node,
  kind: Pick<DocumentKind, 'kind' | 'key'>,
  reading: Reading,
): Pick<ContractDocument, 'servers' | 'serverSecurity'> {
  if (kind.key === 'swagger') return { servers: swaggerServers(root) }
  if (kind.kind !== 'asyncapi') return { servers: serverUrls(root) ?? [] }
  const serverSecurity = readServers(root, reading)
  return { servers: serverSecurity.map(({ server }) => server), serverSecurity }
}
