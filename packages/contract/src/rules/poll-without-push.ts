import { httpOf, nameOf } from './operations.ts'
import type { Rule } from './rule.ts'

const polling =
  /^(since|after|cursor|from_?date|start_?after|(last_?|date_?)?(updated|modified|changed|created)_?(since|after|from)|if_?modified_?since|since_?(id|token|version))$/i

export const pollWithoutPush: Rule = {
  id: 'poll-without-push',
  severity: 'warning',
  area: 'coupling',
  formats: ['openapi'],
  law: 'what can be polled for changes can also be pushed',
  why:
    'A parameter such as `since` or `cursor` exists so that others can ask again and again what is new. Most of these ' +
    'calls find nothing, and every change is seen late. Whoever offers it knows when something changed, and can say so.',
  fix: 'declare `push` with the webhook, event or stream that tells of changes',
  *check({ system }) {
    for (const operation of httpOf(system)) {
      if (operation.method !== 'GET' || operation.guarantees.push !== undefined) continue
      const parameter = operation.parameters.find(
        ({ name, in: place }) => place === 'query' && polling.test(name.replaceAll('-', '_')),
      )
      if (parameter === undefined) continue
      yield {
        at: parameter.location.file === operation.location.file ? parameter.location : operation.location,
        subject: nameOf(operation),
        message: `GET ${operation.path} can be polled by \`${parameter.name}\`, and nothing pushes what it would find`,
        absence: true,
      }
    }
  },
}
