import { shownName, nameOf } from '../../rules/operations.ts'
import type { HttpOperation } from '../../model/operation.ts'
import type { Schema } from '../../model/schema.ts'
import type { MessageEdge } from '../edges.ts'
import { basis, type Judgement, no, type Question, yes } from '../question.ts'

export const formalContract: Question = {
  number: 6,
  id: 'formal-contract',
  title: 'a formal contract',
  asks: 'Is what is sent and answered described by a schema, and do both sides agree?',
  proofs(edge) {
    if (edge.kind === 'message') return []
    return [{ ref: nameOf(edge.operation), member: 'errors', checks: ['declared-status', 'invalid-input'] }]
  },
  judge(edge, scoring) {
    const against = scoring.violation(edge, 'consumer-is-satisfied', 'example-fits-schema', 'ordering-key-is-sent')
    return against ?? (edge.kind === 'call' ? ofCall(edge.operation) : ofMessage(edge))
  },
  beside: ({ violations }) =>
    [...violations('undeclared-use'), ...violations('log-driven-integration')].map(({ message, at, fix }) => ({
      ...basis(message, at),
      raise: fix,
    })),
}

function ofCall(operation: HttpOperation): Judgement {
  const { requestBody, responses, location } = operation
  const blank = requestBody?.content.find(({ json, schema }) => json && saysNothing(schema))
  if (requestBody !== undefined && (blank !== undefined || requestBody.content.length === 0)) {
    return no(
      `the body of ${shownName(operation)} has no schema`,
      requestBody.location,
      'describe the body with a schema',
    )
  }
  const good = Object.values(responses).filter(({ status }) => /^[123]|^default$/.test(status))
  if (good.length === 0) return no('no answer is described', location, 'describe its answers')
  const open = good.find(({ content }) => content.some(({ json, schema }) => json && saysNothing(schema)))
  if (open !== undefined)
    return no(`the answer ${open.status} has no schema`, open.location, 'describe it with a schema')
  return yes(`${operation.method} ${operation.path} in OpenAPI`, location)
}

function ofMessage({ sent, received }: MessageEdge): Judgement {
  const blank = [sent, received].find((message) => message !== undefined && saysNothing(message.payload))
  if (blank !== undefined) {
    return no(`\`${blank.message}\` has no schema`, blank.location, 'describe its payload with a schema')
  }
  const both = sent !== undefined && received !== undefined
  return yes(both ? 'in AsyncAPI, on both sides, and they agree' : 'in AsyncAPI', (sent ?? received)?.location)
}

function saysNothing(schema: Schema | undefined): boolean {
  if (schema === undefined || schema.schema === true) return true
  return (
    typeof schema.schema === 'object' &&
    Object.keys(schema.schema).every((key) => key === 'description' || key === 'title')
  )
}
