/** Does an answer fit what the contract declares for its status: content type, required headers, body? */
import { mediaTypeMatcher, type SchemaCheck, SchemaCompiler } from '@spandrel/contract'
import type { RunRecord } from '../history/records.ts'
import { type BodyFacts, declaredFor, type OperationFacts } from '../plan/operation-facts.ts'
import type { Answer } from '../wire/outgoing.ts'

/** `undeclared`: the contract says nothing of such an answer; a text: how it differs. */
export type AnswerShape = (operation: OperationFacts, answer: Answer) => 'fits' | 'undeclared' | { differs: string }

/** Compiles the schemas of the answers of these operations. */
export function answerShapes(run: RunRecord, operations: readonly OperationFacts[]): AnswerShape {
  const checks = new Map<BodyFacts, SchemaCheck | { broken: string }>()
  for (const operation of operations) {
    // Each for itself: a schema that cannot be compiled must not hide the others.
    const definitions = Object.entries(run.schemas[operation.service] ?? {})
    const compiler = new SchemaCompiler(
      operation.service,
      Object.fromEntries(definitions.map(([name, schema]) => [name, { name, schema }])),
    )
    const bodies = Object.values(operation.answers).flatMap(({ content }) => content)
    try {
      const added = bodies.flatMap((body) =>
        body.schema === undefined ? [] : [[body, compiler.add(body.schema)] as const],
      )
      compiler.finish()
      for (const [body, check] of added) checks.set(body, check)
    } catch (error) {
      const broken = error instanceof Error ? error.message : String(error)
      for (const body of bodies) checks.set(body, { broken })
    }
  }
  return (operation, answer) => {
    const declared = declaredFor(operation, answer.status)
    if (declared === undefined) return 'undeclared'
    const lacks = declared.required.find((name) => answer.headers[name] === undefined)
    if (lacks !== undefined) return { differs: `it has no header ${lacks}, which is required` }
    if (declared.content.length === 0 || operation.method === 'HEAD' || [204, 304].includes(answer.status))
      return declared.required.length > 0 ? 'fits' : 'undeclared'
    if (answer.body === '') return { differs: 'it has no body' }
    const header = answer.headers['content-type'] ?? ''
    const essence = header.split(';')[0]!.trim().toLowerCase()
    const [type] = declared.content
      .map((body) => ({ body, ...mediaTypeMatcher(body.contentType) }))
      .filter(({ matches }) => matches(essence))
      .sort((a, b) => b.rank - a.rank)
    if (type === undefined)
      return {
        differs: `its content type is ${essence === '' ? 'not told' : essence}; declared is ${declared.content.map(({ contentType }) => contentType).join(' or ')}`,
      }
    const check = checks.get(type.body)
    if (!type.body.json) return 'fits'
    let value: unknown
    try {
      value = JSON.parse(answer.body)
    } catch {
      return { differs: `its body is no JSON, and ${essence} says it is` }
    }
    if (check === undefined) return 'fits'
    if ('broken' in check) return 'undeclared'
    const [fault] = check(value) ?? []
    return fault === undefined
      ? 'fits'
      : { differs: `${fault.pointer === '' ? 'its body' : fault.pointer} ${fault.detail}` }
  }
}
