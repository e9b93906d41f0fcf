import type { Findings } from '../findings/findings.ts'
import type { Setting } from '../model/system.ts'
import { optional } from '../model/optional.ts'
import type { Entry, Node, ScalarNode } from '../source/node.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** `${VAR}`, `${VAR:-default}`; `$${` stands for `${`. */
const variable = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

interface Filled {
  readonly value: string | undefined
  readonly missing: readonly string[]
}

function fill(text: string, env: Environment): Filled {
  const missing: string[] = []
  const value = text.replaceAll(variable, (found: string, name: string | undefined, otherwise: string | undefined) => {
    if (name === undefined) return '${'
    const set = env[name]
    // As in a shell, `:-` also covers what is set to nothing.
    const chosen = set === undefined || (set === '' && otherwise !== undefined) ? otherwise : set
    if (chosen === undefined) missing.push(name)
    return chosen ?? found
  })
  return { value: missing.length > 0 ? undefined : value, missing }
}

/** The environment variable that overrides a key: `/services/orders/url` → `SPANDREL_SERVICES_ORDERS_URL`. */
export function overrideName(pointer: string): string {
  return `SPANDREL${pointer
    .replaceAll('~1', '/')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()}`
}

/** A text whose variables may be unset for now: what needs it says so. */
export function readSetting(node: ScalarNode, env: Environment, findings: Findings): Setting {
  const text = String(node.value)
  checkVariables(node, findings)
  const { value, missing } = fill(text, env)
  const [first] = [...text.matchAll(variable)].flatMap(([, name]) => (name === undefined ? [] : [name]))
  const override = env[overrideName(node.at.pointer)]
  return {
    text,
    ...optional('value', override ?? value),
    ...optional('default', fill(text, {}).value),
    ...optional('env', first),
    missing: override === undefined ? missing : [],
    location: node.at,
  }
}

/** Keys that say what the file is; overriding them from outside would make it another one. */
const fixed = /^\/(version|system|include)(\/|$)/

/**
 * Fills variables and overrides into every scalar, except those at which `keep` says so. A scalar that is one variable
 * takes the type of its value, so `listen: ${PORT:-8080}` is a number.
 */
export function fillVariables(
  node: Node,
  env: Environment,
  keep: (pointer: string) => boolean,
  findings: Findings,
): Node {
  return fillNode(node, env, keep, findings) ?? { ...node, kind: 'map', entries: new Map() }
}

/** Undefined where a variable is unset: that was said, and what follows from the gap would only distract. */
function fillNode(
  node: Node,
  env: Environment,
  keep: (pointer: string) => boolean,
  findings: Findings,
): Node | undefined {
  if (node.kind === 'list') {
    const items = node.items.map((item) => fillNode(item, env, keep, findings)).filter((item) => item !== undefined)
    return { ...node, items }
  }
  if (node.kind === 'map') {
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      const value = fillNode(entry.value, env, keep, findings)
      if (value !== undefined) entries.set(key, { ...entry, value })
    }
    return { ...node, entries }
  }
  const { pointer } = node.at
  if (keep(pointer) || fixed.test(pointer)) return node
  const override = node.value === null ? undefined : env[overrideName(pointer)]
  if (override !== undefined) return typed(node, override)
  if (typeof node.value !== 'string' || !node.value.includes('${')) return node
  checkVariables(node, findings)
  const { value, missing } = fill(node.value, env)
  for (const name of missing) {
    const hint = `set ${name}, or write a default: \`\${${name}:-…}\``
    findings.error(node.at, 'unset-variable', `the environment variable ${name} is not set`, hint)
  }
  if (value === undefined) return undefined
  return /^\$\{[^}]*\}$/.test(node.value) ? typed(node, value) : { ...node, value }
}

function typed(node: ScalarNode, value: string): ScalarNode {
  if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(value)) return { ...node, value: Number(value), source: value }
  if (value === 'true' || value === 'false') return { ...node, value: value === 'true', source: value }
  return { ...node, value, source: value }
}

function checkVariables(node: ScalarNode, findings: Findings): void {
  if (typeof node.value !== 'string' || !node.value.replaceAll(variable, '').includes('${')) return
  const message = `\`${node.value}\` has a variable that cannot be read`
  findings.error(node.at, 'broken-variable', message, 'write `${NAME}` or `${NAME:-default}`; `$${` for a plain `${`')
}
