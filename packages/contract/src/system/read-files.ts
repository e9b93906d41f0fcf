import { dirname, relative, resolve } from 'node:path'
import type { Findings } from '../findings/findings.ts'
import type { SourceLocation } from '../model/location.ts'
import { checkShape } from '../shape/check-shape.ts'
import { field, listAt, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import { systemShape } from './structure.ts'
import type { Environment } from './variables.ts'
import { fillVariables } from './variables.ts'

export interface SystemFile {
  readonly file: string
  readonly dir: string
  readonly root: Node
}

/** Texts that may name unset variables until something needs them; they become `Setting`s. */
const settings = /^\/(transport|gateway\/database|services\/[^/]+\/(url|database|events))$/

/** A spandrel.yaml and everything it includes, each file once, the root first. */
export function readSystemFiles(
  file: string,
  env: Environment,
  sources: Sources,
  findings: Findings,
): readonly SystemFile[] {
  const found = new Map<string, SystemFile>()
  const read = (path: string, asked: SourceLocation, chain: readonly string[]): void => {
    if (chain.includes(path)) {
      const circle = [...chain.slice(chain.indexOf(path)), path].map((one) => relative(dirname(file), one)).join(' → ')
      findings.error(asked, 'include-cycle', `these files include each other: ${circle}`, 'remove one of the includes')
      return
    }
    if (found.has(path)) return
    const written = sources.open(path, asked)
    if (written === undefined) return
    const root = fillVariables(written, env, (pointer) => settings.test(pointer), findings)
    found.set(path, { file: path, dir: dirname(path), root })
    checkShape(root, systemShape, 'spandrel.yaml', { definitions: {}, findings })
    for (const item of listAt(root, 'include')) {
      const included = text(item)
      if (included !== undefined) read(resolve(dirname(path), included), item.at, [...chain, path])
    }
  }
  read(file, { file, line: 1, column: 1, pointer: '' }, [])
  const files = [...found.values()]
  oneSystem(files, findings)
  return files
}

function oneSystem(files: readonly SystemFile[], findings: Findings): void {
  const [first] = files
  const name = textAt(first?.root, 'system')
  for (const { root } of files.slice(1)) {
    const other = field(root, 'system')
    const written = text(other)
    if (other === undefined || written === undefined || name === undefined || written === name) continue
    const message = `this file says \`system: ${written}\`, and is included by the system \`${name}\``
    findings.warning(other.at, 'other-system', message, `its services are taken as part of \`${name}\``)
  }
}
