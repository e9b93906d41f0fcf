import type { Findings } from '../findings/findings.ts'
import { didYouMean, listed } from '../findings/nearest.ts'
import { describe, keyPlace, placeOf, plain } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { OfficialError, OfficialFormat } from './official-schema.ts'
import { officialErrors } from './official-schema.ts'
import { partAt } from './part-name.ts'

/** A fault of a whole document shows in every part of it; more than these help nobody. */
const MOST = 12

/**
 * Asks the official schema about a document, and reports what it rejects. For documents that our own structure has
 * nothing against, or has no say in: its messages know the author's words, these only the schema's.
 */
export function checkOfficial(root: Node, format: OfficialFormat, version: string, findings: Findings): void {
  const errors = officialErrors(format, version, plain(root)) ?? []
  const name = format === 'asyncapi' ? `AsyncAPI ${version}` : `OpenAPI ${version}`
  for (const error of likely(errors, format).slice(0, MOST)) report(error, root, name, findings)
}

/**
 * The errors that say what is wrong. A value that fits no alternative has the errors of all of them: those of an
 * alternative that was clearly not meant (a reference without `$ref`, another `type`) are left out, and of the others
 * the innermost speak.
 */
function likely(errors: readonly OfficialError[], format: OfficialFormat): readonly OfficialError[] {
  // What an excused error made fail around it is excused too.
  const excused = errors.filter((error) => isBooleanSchema(error) || isOptionalPath(error, format))
  const around = excused.map(({ instancePath }) => instancePath)
  // In 3.0 each `in` is an alternative, and the others say that theirs was meant.
  const inside = excused.filter(({ keyword }) => keyword === 'required').map(({ instancePath }) => `${instancePath}/in`)
  const others = errors.filter(
    ({ instancePath }) =>
      !inside.includes(instancePath) && !around.some((path) => `${path}/`.startsWith(`${instancePath}/`)),
  )
  const plainErrors = others.filter(
    ({ keyword }) => !['if', 'anyOf', 'oneOf', 'allOf', '$ref', 'not'].includes(keyword),
  )
  const leaves = plainErrors.length > 0 ? plainErrors : others
  const groups = Map.groupBy(leaves, (error) => `${parentOf(error)} ${alternativeOf(error)}`)
  const meant = [...groups.values()].filter((group) => !group.some(isOtherAlternative)).flat()
  // A place that has no `$ref` was not meant as a reference: then what forbids its members is the fault.
  const own = leaves.filter((error) => !asksForReference(error))
  const chosen = [meant, own, others].find((some) => some.length > 0) ?? leaves
  // Of two that are on one way down the deeper one is the cause.
  const paths = new Set(chosen.map(({ instancePath }) => instancePath))
  const innermost = chosen.filter(({ instancePath }) => ![...paths].some((path) => path.startsWith(`${instancePath}/`)))
  const seen = new Set<string>()
  return innermost.filter((error) => {
    const key = `${error.instancePath} ${error.keyword} ${JSON.stringify(error.params)}`
    const place = `${error.instancePath} ${error.keyword === 'required' || error.keyword === 'additionalProperties' ? key : ''}`
    return !seen.has(place) && seen.add(place)
  })
}

/** `payload: true` is a schema by JSON Schema; AsyncAPI's own says that a schema is an object. */
function isBooleanSchema({ keyword, params, data }: OfficialError): boolean {
  return keyword === 'type' && typeof data === 'boolean' && [params['type']].flat().includes('object')
}

/** The reader of parameters says that one in the path must be required, and has more to say of it. */
function isOptionalPath({ keyword, params, data }: OfficialError, format: OfficialFormat): boolean {
  const isPath = (data as { in?: unknown } | null)?.in === 'path'
  return format === 'openapi' && keyword === 'required' && params['missingProperty'] === 'required' && isPath
}

/** The object that alternatives are about: an error in one of its members belongs to it. */
function parentOf({ instancePath, keyword }: OfficialError): string {
  return keyword === 'enum' || keyword === 'const' || keyword === 'pattern'
    ? instancePath.replace(/\/[^/]*$/, '')
    : instancePath
}

/** `#/definitions/bodyParameter`: where a schema is made of named parts, an alternative is one of them. */
function alternativeOf({ schemaPath }: OfficialError): string {
  return (
    schemaPath.split(/\/(?:properties|required|additionalProperties|type|enum|const|patternProperties)(?:\/|$)/)[0] ??
    ''
  )
}

function isOtherAlternative({ keyword, params, instancePath }: OfficialError): boolean {
  if (keyword === 'required') return asksForReference({ keyword, params })
  return (keyword === 'enum' || keyword === 'const') && /\/(type|in|scheme|action|flow|\$ref)$/.test(instancePath)
}

function asksForReference({ keyword, params }: Pick<OfficialError, 'keyword' | 'params'>): boolean {
  return keyword === 'required' && params['missingProperty'] === '$ref'
}

function report(error: OfficialError, root: Node, name: string, findings: Findings): void {
  const { keyword, params, instancePath, parentSchema, message = 'is wrong' } = error
  const { node, shown } = partAt(root, instancePath)
  if (keyword === 'required') {
    const missing = String(params['missingProperty'])
    findings.error(
      placeOf(node),
      'missing-member',
      `${shown} has no \`${missing}\`, which is required`,
      `add \`${missing}\``,
    )
  } else if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties' || keyword === 'propertyNames') {
    const key = String(params['additionalProperty'] ?? params['unevaluatedProperty'] ?? params['propertyName'])
    const names = Object.keys((parentSchema?.['properties'] as object | undefined) ?? {})
    const hint = names.length > 0 ? `the members are: ${listed(names)}` : `see the specification (${name})`
    findings.error(
      keyPlace(node, key),
      'unknown-key',
      `\`${key}\` is not a member of ${shown}`,
      didYouMean(key, names, hint),
    )
  } else if (keyword === 'enum' || keyword === 'const') {
    const values = [params['allowedValues'] ?? params['allowedValue']].flat().map(String)
    const written = node.kind === 'scalar' ? String(node.value) : describe(node)
    const text = `${shown.endsWith('`') && shown.startsWith('`') ? `${shown.slice(0, -1)}: ${written}\`` : `${shown} (\`${written}\`)`} is not one of ${listed(values)}`
    findings.error(node.at, 'unknown-value', text, didYouMean(written, values, `use ${listed(values)}`))
  } else if (keyword === 'type') {
    const text = `${shown} must be ${[params['type']].flat().join(' or ')}; found ${describe(node)}`
    findings.error(node.at, 'wrong-type', text, `see the specification (${name})`)
  } else {
    const said = sayings[keyword] ?? message
    const id = ids[keyword] ?? 'against-specification'
    findings.error(node.at, id, `${shown} ${said}`, `see the specification (${name})`)
  }
}

/** The schema's words for these are about itself. */
const sayings: Readonly<Record<string, string>> = {
  not: 'has members that exclude each other',
  oneOf: 'fits none, or more than one, of the forms that it may have',
  anyOf: 'fits none of the forms that it may have',
  if: 'does not go together with what stands beside it',
}

const ids: Readonly<Record<string, string>> = {
  pattern: 'wrong-format',
  minItems: 'too-few-items',
  minProperties: 'empty-value',
  minLength: 'empty-value',
  minimum: 'out-of-range',
  maximum: 'out-of-range',
}
