import type { HttpOperation } from '../model/operation.ts'
import type { JsonSchema, NamedSchema } from '../model/schema.ts'
import { itemsOf, parts, propertiesOf, typeOf } from '../schema/look-through.ts'
import { nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

/** Parameters by which one call can ask for more than references. */
const widening = /^(ids?|fields|expand|embed|include|with|filter\[?ids?\]?|keys)(\[\])?$/i

const reference = /(^|_|[a-z])(id|ids|href|url|uri|link|links|self|key|guid|uuid|type)$/i

export const crudForcesNPlus1: Rule = {
  id: 'crud-forces-n-plus-1',
  severity: 'warning',
  area: 'coupling',
  formats: ['openapi'],
  law: 'who lists things can read them without a call for each',
  why:
    'A list that answers references only, beside an operation that reads one thing by its id, makes every caller send ' +
    'one request for the list and then one for each item. A hundred items are a hundred and one calls, each with its ' +
    'own chance to fail.',
  fix: 'answer the items themselves, or take `ids`, `expand` or `fields`',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      const all = Object.values(service.operations).filter(({ method }) => method === 'GET')
      for (const list of all) {
        if (list.path.endsWith('}') || !answersReferences(list, service.schemas)) continue
        const one = all.find(
          ({ path }) => path.startsWith(`${list.path}/{`) && /^\{[^/]*\}$/.test(path.slice(list.path.length + 1)),
        )
        if (one === undefined || widens(list)) continue
        yield {
          at: list.location,
          subject: nameOf(list),
          message: `GET ${list.path} answers references only: each item takes a GET ${one.path} of its own`,
        }
      }
    }
  },
}

function widens({ parameters }: HttpOperation): boolean {
  return parameters.some(({ name, in: place }) => place === 'query' && widening.test(name))
}

function answersReferences({ responses }: HttpOperation, named: Readonly<Record<string, NamedSchema>>): boolean {
  const content = Object.values(responses)
    .filter(({ status }) => status.startsWith('2'))
    .flatMap((response) => response.content)
  const [schema] = content.flatMap((one) => (one.json && one.schema !== undefined ? [one.schema.schema] : []))
  if (schema === undefined) return false
  const items = itemsOf(schema, named)
  const lists = [...propertiesOf(schema, named).values()]
    .map((one) => itemsOf(one, named))
    .filter((one) => one !== undefined)
  const list = items ?? lists[0]
  if (list === undefined) return false
  // Beside other lists, bare texts may be labels of the one thing that is answered.
  if ((items !== undefined || lists.length === 1) && isBareId(list, named)) return true
  const properties = [...propertiesOf(list, named).keys()]
  return properties.length > 0 && properties.every((name) => reference.test(name))
}

/** A text or a number, and no word of a fixed list: beside `/orders/{id}` it can only be what an order is asked for by. */
function isBareId(item: JsonSchema, named: Readonly<Record<string, NamedSchema>>): boolean {
  const type = typeOf(item, named)
  if (type !== 'string' && type !== 'integer' && type !== 'number') return false
  return !parts(item, named).some((part) => 'enum' in part || 'const' in part)
}
