import { dirname, resolve } from 'node:path'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Reading } from '../service/reading.ts'
import { checkShape } from '../shape/check-shape.ts'
import { entriesAt, entriesOf, field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { arazzoShapes } from './structure.ts'

/** Checks an Arazzo 1.x document: its structure, and that what it names exists. */
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
    const operations = this.#operations()
    for (const workflow of workflows) {
      for (const item of listAt(workflow, 'dependsOn')) this.#known(item, ids, 'workflow')
      const steps = this.#unique(listAt(workflow, 'steps'), 'stepId')
      this.#actions(workflow, ids, steps)
      for (const step of listAt(workflow, 'steps')) {
        this.#target(step)
        this.#actions(step, ids, steps)
        this.#known(field(step, 'workflowId'), ids, 'workflow')
        if (operations !== undefined) this.#known(field(step, 'operationId'), operations, 'operation')
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
    if (node === undefined || name === undefined || name.startsWith('$') || names.includes(name)) return
    const hint = didYouMean(name, names, names.length > 0 ? `there are: ${listed(names)}` : 'add it')
    this.#reading.findings.error(node.at, 'unknown-name', `there is no ${what} \`${name}\``, hint)
  }

  /** Every operationId of the sources, or undefined where one of them is not a file beside. */
  #operations(): readonly string[] | undefined {
    const found: string[] = []
    for (const source of listAt(this.#root, 'sourceDescriptions')) {
      const url = field(source, 'url')
      const written = text(url)
      if (url === undefined || written === undefined || /^[a-z][a-z0-9+.-]*:/i.test(written)) return undefined
      if (!this.#reading.sources.has(resolve(dirname(url.at.file), written))) return undefined
      const root = this.#reading.sources.resolve(written, url.at)
      if (root === undefined) return undefined
      for (const [, { value }] of entriesAt(root, 'paths')) {
        for (const [, operation] of entriesOf(value)) found.push(textAt(operation.value, 'operationId') ?? '')
      }
      found.push(...entriesAt(root, 'operations').map(([name]) => name))
    }
    return found
  }
}
