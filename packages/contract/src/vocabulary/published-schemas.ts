import type { Shape } from '../shape/shape.ts'
import { sidecarShape } from '../service/sidecars.ts'
import { systemShape } from '../system/structure.ts'
import { members, xGuarantees } from './x-guarantees.ts'
import { xIntegration } from './x-integration.ts'
import { xProbe } from './x-probe.ts'

/** The files of `schemas/`, for editors and other tools: plain JSON Schema 2020-12. By file name. */
export function publishedSchemas(): Readonly<Record<string, object>> {
  const sidecar: Shape = {
    ...sidecarShape,
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      properties: { 'x-guarantees': xGuarantees, 'x-integration': xIntegration, 'x-probe': xProbe },
    },
  }
  const files: [string, Shape][] = [
    ['spandrel.schema.json', systemShape],
    ['guarantees.schema.json', sidecar],
    ['x-guarantees.schema.json', xGuarantees],
    ['x-integration.schema.json', xIntegration],
    ['x-probe.schema.json', xProbe],
    ...Object.entries(members).map(([name, shape]): [string, Shape] => [`${name}.schema.json`, shape]),
  ]
  return Object.fromEntries(
    files.map(([name, shape]) => [name, { $schema: 'https://json-schema.org/draft/2020-12/schema', ...shape }]),
  )
}
