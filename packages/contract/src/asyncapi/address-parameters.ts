import type { AddressParameter } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import type { Schema } from '../model/schema.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import { readSchema } from './read-schema.ts'

/** What stands in braces in an address, with what `parameters` of its channel says of it. */
export function readAddressParameters(
  address: string,
  channel: MapNode,
  reading: Reading,
): readonly AddressParameter[] {
  const declared = field(channel, 'parameters')
  return [...address.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => {
    const written = field(declared, name)
    const node = follow(written, reading)
    return {
      name,
      schema: valuesOf(node ?? channel, reading),
      ...optional('default', textAt(node, 'default')),
      ...optional('from', textAt(node, 'location')),
      location: placeOf(written ?? channel),
    }
  })
}

/** AsyncAPI 2 has a whole schema, AsyncAPI 3 an `enum` of texts. */
function valuesOf(parameter: Node, reading: Reading): Schema {
  const schema = field(parameter, 'schema')
  if (schema !== undefined) return readSchema(schema, reading)
  const values = listAt(parameter, 'enum').map(text)
  return {
    schema: { type: 'string', ...(values.length === 0 ? {} : { enum: values.filter((one) => one !== undefined) }) },
    location: parameter.at,
  }
}
