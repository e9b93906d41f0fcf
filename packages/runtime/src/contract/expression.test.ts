import { describe, expect, test } from 'vitest'
import { evaluate, type Expression, type ExpressionInput } from './expression.ts'

const input: ExpressionInput = {
  headers: { 'idempotency-key': 'k1', 'x-many': ['a', 'b'], 'x-absent': undefined },
  query: { page: 2, flag: false },
  path: { orderId: 'o 1' },
  body: { id: 7, nested: [{ 'a/b': 'deep', 'm~n': 'tilde' }], empty: '', none: null, list: [1, 'x'] },
  jwt: { sub: 'alice' },
  payload: { orderId: 'o1', amount: 12.5, at: { x: 1 } },
  attributes: { correlationid: 'c1', type: 'orderPlaced', absent: undefined },
}

describe('evaluate', () => {
  test.each<[Expression, string]>([
    [{ source: 'request.header', name: 'Idempotency-Key' }, 'k1'],
    [{ source: 'request.header', name: 'X-Many' }, 'a'],
    [{ source: 'request.query', name: 'page' }, '2'],
    [{ source: 'request.query', name: 'flag' }, 'false'],
    [{ source: 'request.path', name: 'orderId' }, 'o 1'],
    [{ source: 'request.body', pointer: ['id'] }, '7'],
    [{ source: 'request.body', pointer: ['nested', '0', 'a/b'] }, 'deep'],
    [{ source: 'request.body', pointer: ['nested', '0', 'm~n'] }, 'tilde'],
    [{ source: 'request.body', pointer: ['empty'] }, ''],
    [{ source: 'request.body', pointer: ['list'] }, '[1,"x"]'],
    [{ source: 'request.jwt', pointer: ['sub'] }, 'alice'],
    [{ source: 'message.payload', pointer: ['amount'] }, '12.5'],
    [{ source: 'message.payload', pointer: ['at'] }, '{"x":1}'],
    [{ source: 'message.payload', pointer: [] }, '{"orderId":"o1","amount":12.5,"at":{"x":1}}'],
    [{ source: 'message.header', pointer: ['correlationid'] }, 'c1'],
    [{ source: 'event', attribute: 'type' }, 'orderPlaced'],
  ])('%j', (expression, value) => expect(evaluate(expression, input)).toBe(value))

  test.each<Expression>([
    { source: 'request.header', name: 'x-absent' },
    { source: 'request.header', name: 'no-such' },
    { source: 'request.query', name: 'none' },
    { source: 'request.path', name: 'none' },
    { source: 'request.body', pointer: ['none'] },
    { source: 'request.body', pointer: ['empty', '0'] },
    { source: 'request.body', pointer: ['list', '2'] },
    { source: 'request.body', pointer: ['list', 'length', 'x'] },
    { source: 'request.jwt', pointer: ['iss'] },
    { source: 'message.header', pointer: ['absent'] },
    { source: 'event', attribute: 'subject' },
    // what every object inherits is not in it
    { source: 'request.body', pointer: ['constructor'] },
    { source: 'request.body', pointer: ['__proto__', 'constructor'] },
    { source: 'request.query', name: 'toString' },
    { source: 'request.path', name: '__proto__' },
    { source: 'request.header', name: 'constructor' },
    { source: 'event', attribute: 'valueOf' },
  ])('absent: %j', (expression) => expect(evaluate(expression, input)).toBeUndefined())

  test('absent where there is nothing to look at', () => {
    const everything: Expression[] = [
      { source: 'request.header', name: 'a' },
      { source: 'request.query', name: 'a' },
      { source: 'request.path', name: 'a' },
      { source: 'request.body', pointer: ['a'] },
      { source: 'request.jwt', pointer: ['a'] },
      { source: 'message.payload', pointer: ['a'] },
      { source: 'message.header', pointer: ['a'] },
      { source: 'event', attribute: 'a' },
    ]
    for (const expression of everything) expect(evaluate(expression, {})).toBeUndefined()
  })
})
