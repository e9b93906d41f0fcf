import { dirname, resolve } from 'node:path'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Reading } from '../service/reading.ts'
import { checkShape } from '../shape/check-shape.ts'
import { entriesAt, entriesOf, field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { pointerSteps } from '../source/pointer.ts'
import { arazzoShapes } from './structure.ts'

/**
 * Checks an Arazzo 1.x document: its structure, and that what it names exists. Of source documents that are not files
 * beside it nothing can be said; a remark names each.
 */
export function checkArazzo(root: Node, version: number, reading: Reading): void {
  const { findings, sources } = reading
  checkShape(root, { $ref: '#/$defs/root' }, 'the document', {
    definitions: arazzoShapes(),
    findings,
    sources,
    version: { name: 'Arazzo', number: version },
  })
  new Names(root, reading).check()
}

class Names {
  readonly #root: Node
  readonly #reading: Reading

  constructor(root: Node, reading: Reading) {
    this.#root = root
    this.#reading = reading
  }

  check(): void {
    const workflows = listAt(this.#root, 'workflows')
    const ids = this.#unique(workflows, 'workflowId')
    this.#unique(listAt(this.#root, 'sourceDescriptions'), 'name')
    const sources = this.#sources()
    for (const workflow of workflows) {
      for (const item of listAt(workflow, 'dependsOn')) this.#known(item, ids, 'workflow')
      const steps = this.#unique(listAt(workflow, 'steps'), 'stepId')
      this.#actions(workflow, ids, steps)
      for (const step of listAt(workflow, 'steps')) {
        this.#target(step)
        this.#actions(step, ids, steps)
        this.#known(field(step, 'workflowId'), ids, 'workflow')
        this.#operation(field(step, 'operationId'), sources)
        this.#path(field(step, 'operationPath'), sources)
        for (const parameter of listAt(step, 'parameters')) this.#parameter(parameter, step)
      }
    }
  }

  #actions(owner: Node, workflows: readonly string[], steps: readonly string[]): void {
    for (const key of ['onSuccess', 'onFailure', 'successActions', 'failureActions']) {
      for (const action of listAt(owner, key)) {
        this.#known(field(action, 'workflowId'), workflows, 'workflow')
        this.#known(field(action, 'stepId'), steps, 'step')
        this.#needs(action, ['name', 'type'])
        const { findings } = this.#reading
        if (
          textAt(action, 'type') === 'goto' &&
          !['workflowId', 'stepId'].some((one) => field(action, one) !== undefined)
        ) {
          findings.error(
            action.at,
            'missing-member',
            'an action of type `goto` says where',
            'add `stepId` or `workflowId`',
          )
        }
      }
    }
  }

  #parameter(parameter: Node, step: Node): void {
    this.#needs(parameter, ['name', 'value'])
    if (field(parameter, 'reference') !== undefined || field(step, 'workflowId') !== undefined) return
    if (field(step, 'channelPath') === undefined && field(parameter, 'in') === undefined) {
      const hint = 'add `in: query`, `path`, `header` or `cookie`'
      this.#reading.findings.error(
        parameter.at,
        'missing-member',
        'a parameter of an operation says where it goes',
        hint,
      )
    }
  }

  /** What may be a reusable object instead has no required members in the structure. */
  #needs(node: Node, members: readonly string[]): void {
    if (node.kind !== 'map' || field(node, 'reference') !== undefined) return
    for (const member of members) {
      if (field(node, member) !== undefined) continue
      this.#reading.findings.error(
        placeOf(node),
        'missing-member',
        `this has no \`${member}\`, which is required`,
        `add \`${member}\``,
      )
    }
  }

  #target(step: Node): void {
    const targets = ['operationId', 'operationPath', 'workflowId', 'channelPath'].filter(
      (key) => field(step, key) !== undefined,
    )
    if (targets.length === 1) return
    const name = textAt(step, 'stepId') ?? 'this step'
    const message =
      targets.length === 0
        ? `\`${name}\` does not say what it does`
        : `\`${name}\` does several things: ${targets.join(', ')}`
    this.#reading.findings.error(
      step.at,
      'missing-member',
      message,
      'write one of operationId, operationPath, workflowId',
    )
  }

  #unique(nodes: readonly Node[], key: string): readonly string[] {
    const seen = new Map<string, SourceLocation>()
    for (const node of nodes) {
      const found = field(node, key)
      const name = text(found)
      if (found === undefined || name === undefined) continue
      const first = seen.get(name)
      if (first === undefined) seen.set(name, found.at)
      else
        this.#reading.findings.error(
          found.at,
          'duplicate-name',
          `\`${key}: ${name}\` exists already (line ${first.line})`,
          'rename one of them',
        )
    }
    return [...seen.keys()]
  }

  #known(node: Node | undefined, names: readonly string[], what: string): void {
    const name = text(node)
    // `$sourceDescriptions.other.workflows.x` names something of another document.
    if (node !== undefined && name !== undefined && !name.startsWith('$')) this.#oneOf(node, name, names, what)
  }

  /** A warning where the document is well formed by itself: published ones miss their sources by a letter. */
  #oneOf(
    node: Node,
    name: string,
    names: readonly string[],
    what: string,
    severity: 'error' | 'warning' = 'error',
  ): void {
    if (names.includes(name)) return
    const hint = didYouMean(name, names, names.length > 0 ? `there are: ${listed(names)}` : 'add it')
    this.#reading.findings[severity](node.at, 'unknown-name', `there is no ${what} \`${name}\``, hint)
  }

  /** `buyFlight`, or `$sourceDescriptions.flights.buyFlight`. */
  #operation(node: Node | undefined, sources: ReadonlyMap<string, Source | undefined>): void {
    const written = text(node)
    if (node === undefined || written === undefined) return
    const [, source = '', name = ''] = /^\$sourceDescriptions\.([A-Za-z0-9_-]+)\.(.+)$/.exec(written) ?? []
    if (source !== '') {
      const found = this.#source(source, node, sources)
      if (found !== undefined) this.#oneOf(node, name, found.operations, 'operation', 'warning')
      return
    }
    const all = [...sources.values()]
    // Of one that is not here it may be.
    if (all.includes(undefined)) return
    const names = all.flatMap((one) => one?.operations ?? [])
    this.#known(node, names, 'operation')
  }

  /** `{$sourceDescriptions.flights.url}#/paths/~1flights/post` */
  #path(node: Node | undefined, sources: ReadonlyMap<string, Source | undefined>): void {
    const form = /^\{?\$sourceDescriptions\.([A-Za-z0-9_-]+)\.url\}?#(\/.*)$/
    const [, source = '', pointer = ''] = form.exec(text(node) ?? '') ?? []
    const found = node === undefined || source === '' ? undefined : this.#source(source, node, sources)
    if (node === undefined || found === undefined) return
    let place: Node | undefined = found.root
    for (const step of pointerSteps(pointer) ?? []) place = field(place, step)
    if (place !== undefined) return
    const hint = 'write the path with ~1 for each /, then the method: `#/paths/~1orders/post`'
    this.#reading.findings.warning(node.at, 'unknown-name', `\`${source}\` has nothing at \`${pointer}\``, hint)
  }

  /** Undefined where it is not here, and where there is none of that name, which is reported. */
  #source(name: string, node: Node, sources: ReadonlyMap<string, Source | undefined>): Source | undefined {
    if (!sources.has(name)) this.#oneOf(node, name, [...sources.keys()], 'source description')
    return sources.get(name)
  }

  /** By name; undefined for what is not a file beside. */
  #sources(): ReadonlyMap<string, Source | undefined> {
    const listedSources = listAt(this.#root, 'sourceDescriptions')
    return new Map(listedSources.map((source) => [textAt(source, 'name') ?? '', this.#read(field(source, 'url'))]))
  }

  #read(url: Node | undefined): Source | undefined {
    const written = text(url)
    if (url === undefined || written === undefined) return undefined
    const { findings, sources } = this.#reading
    const remote = /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(written)
    if (remote || !sources.has(resolve(dirname(url.at.file), written))) {
      const why = remote ? 'nothing is fetched' : 'there is no such file'
      const message = `\`${written}\` was not seen (${why}): what is named of it was not looked up`
      findings.remark(url.at, 'unseen-source', message, 'save it beside this document, and write its path as `url`')
      return undefined
    }
    const root = sources.resolve(written, url.at)
    if (root === undefined) return undefined
    const operations = entriesAt(root, 'paths').flatMap(([, { value }]) =>
      entriesOf(value).map(([, operation]) => textAt(operation.value, 'operationId') ?? ''),
    )
    const others = listAt(root, 'workflows').map((one) => textAt(one, 'workflowId') ?? '')
    return { root, operations: [...operations, ...entriesAt(root, 'operations').map(([name]) => name), ...others] }
  }
}

/** A source document that is here. */
interface Source {
  readonly root: Node
  /** operationIds of OpenAPI, operations of AsyncAPI, workflows of Arazzo */
  readonly operations: readonly string[]
}
