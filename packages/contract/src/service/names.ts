import { basename } from 'node:path'
import type { Findings } from '../findings/findings.ts'
import type { SourceLocation } from '../model/location.ts'

type Kind = 'operation' | 'message'

interface Known {
  readonly kind: Kind
  readonly at: SourceLocation
  /** operations that carry a message of this name */
  readonly carriers: Set<string>
}

/**
 * The one namespace of a service: `<service>.<name>` must mean one thing. A message may share its name with an
 * operation that carries it, as both name the same edge.
 */
export class Names {
  readonly #known = new Map<string, Known>()
  readonly #findings: Findings

  #incomplete = false

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** A document could not be read: what it names is unknown, and no reference into this service can be judged. */
  lacksDocument(): void {
    this.#incomplete = true
  }

  get incomplete(): boolean {
    return this.#incomplete
  }

  /** The name, or the first of `name2`, `name3` … that nothing has. */
  free(name: string): string {
    let free = name
    for (let number = 2; this.#known.has(free); number++) free = `${name}${number}`
    return free
  }

  operation(name: string, at: SourceLocation): void {
    const known = this.#known.get(name)
    if (known?.kind === 'operation') {
      const message = `the operation \`${name}\` exists already (${place(known.at, at)})`
      this.#findings.error(at, 'duplicate-operation', message, 'give one of them another name')
    } else if (known === undefined) this.#known.set(name, { kind: 'operation', at, carriers: new Set() })
    else this.#clash(name, at, known)
  }

  message(name: string, at: SourceLocation, carrier: string): void {
    const known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, { kind: 'message', at, carriers: new Set([carrier]) })
    else if (known.kind === 'message') known.carriers.add(carrier)
    else if (name !== carrier) this.#clash(name, at, known)
  }

  has(name: string, kind?: Kind): boolean {
    const known = this.#known.get(name)
    return known !== undefined && (kind === undefined || known.kind === kind || known.carriers.has(name))
  }

  all(kind?: Kind): readonly string[] {
    return [...this.#known].filter(([, known]) => kind === undefined || known.kind === kind).map(([name]) => name)
  }

  #clash(name: string, at: SourceLocation, known: Known): void {
    if (known.carriers.has(name)) return
    const message = `\`${name}\` names an operation and a message of another one (${place(known.at, at)})`
    this.#findings.error(at, 'ambiguous-name', message, 'rename one of them: references could mean either')
  }
}

function place(known: SourceLocation, at: SourceLocation): string {
  return known.file === at.file ? `line ${known.line}` : `${basename(known.file)}:${known.line}`
}
