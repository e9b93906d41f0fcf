import { schemaShape } from '../schema/structure.ts'
import type { Shape, ShapeDefinitions } from '../shape/shape.ts'

/** The structure of Arazzo 1.0 and 1.1 documents, written from the specifications. */

const text: Shape = { type: 'string' }
const list = (items: Shape, more: Partial<Shape> = {}): Shape => ({ type: 'array', items, ...more })
const mapOf = (value: Shape): Shape => ({ type: 'object', additionalProperties: value })
const to = (name: string): Shape => ({ $ref: `#/$defs/${name}` })
const since = (version: number, shape: Shape): Shape => ({ ...shape, 'x-since': version })

function object(properties: Record<string, Shape>, more: Partial<Shape> = {}): Shape {
  return { type: 'object', additionalProperties: false, patternProperties: { '^x-': {} }, properties, ...more }
}

/** In a list of actions or parameters one of `components` may stand instead. */
const reusable = { reference: text, value: {} } as const

/** Each action or parameter of `components`, by `$components.…`: which of the two forms it is, the reader checks. */
const action = (types: readonly string[], more: Record<string, Shape>): Shape =>
  object({
    ...reusable,
    name: text,
    type: { enum: types },
    workflowId: text,
    stepId: text,
    parameters: since(1.1, list(to('parameter'))),
    criteria: list(to('criterion')),
    ...more,
  })

const objects: ShapeDefinitions = {
  root: object(
    {
      arazzo: text,
      $self: since(1.1, text),
      info: object(
        { title: text, summary: text, description: text, version: text },
        { required: ['title', 'version'] },
      ),
      sourceDescriptions: list(to('source'), { minItems: 1 }),
      workflows: list(to('workflow'), { minItems: 1 }),
      components: object({
        inputs: mapOf(to('schema')),
        parameters: mapOf(to('parameter')),
        successActions: mapOf(to('successAction')),
        failureActions: mapOf(to('failureAction')),
      }),
    },
    { required: ['arazzo', 'info', 'sourceDescriptions', 'workflows'] },
  ),
  source: object(
    { name: { ...text, pattern: '^[A-Za-z0-9_\\-]+$' }, url: text, type: { enum: ['openapi', 'asyncapi', 'arazzo'] } },
    { required: ['name', 'url'] },
  ),
  workflow: object(
    {
      workflowId: { ...text, minLength: 1 },
      summary: text,
      description: text,
      inputs: to('schema'),
      dependsOn: list(text),
      steps: list(to('step'), { minItems: 1 }),
      successActions: list(to('successAction')),
      failureActions: list(to('failureAction')),
      outputs: mapOf(to('output')),
      parameters: list(to('parameter')),
    },
    { required: ['workflowId', 'steps'] },
  ),
  step: object(
    {
      stepId: { ...text, minLength: 1 },
      description: text,
      operationId: text,
      operationPath: text,
      workflowId: text,
      channelPath: since(1.1, text),
      action: since(1.1, { enum: ['send', 'receive'] }),
      correlationId: since(1.1, text),
      timeout: since(1.1, { type: 'number', minimum: 0 }),
      dependsOn: since(1.1, list(text)),
      parameters: list(to('parameter')),
      requestBody: object({
        contentType: text,
        payload: {},
        replacements: list(
          object(
            { target: text, targetSelectorType: since(1.1, to('criterionType')), value: {} },
            { required: ['target', 'value'] },
          ),
        ),
      }),
      successCriteria: list(to('criterion')),
      onSuccess: list(to('successAction')),
      onFailure: list(to('failureAction')),
      outputs: mapOf(to('output')),
    },
    { required: ['stepId'] },
  ),
  parameter: object({
    ...reusable,
    name: text,
    in: { enum: ['path', 'query', 'header', 'cookie', 'querystring', 'body'], 'x-synonyms': { headers: 'header' } },
  }),
  criterion: object({ context: text, condition: text, type: to('criterionType') }, { required: ['condition'] }),
  criterionType: {
    anyOf: [
      { enum: ['simple', 'regex', 'jsonpath', 'xpath', 'jsonpointer'] },
      object(
        { type: { enum: ['jsonpath', 'xpath', 'jsonpointer'] }, version: text },
        { required: ['type', 'version'] },
      ),
    ],
  },
  output: {
    anyOf: [
      text,
      object(
        { context: text, selector: text, type: to('criterionType') },
        { required: ['context', 'selector', 'type'] },
      ),
    ],
  },
  successAction: action(['end', 'goto'], {}),
  failureAction: action(['end', 'retry', 'goto'], {
    retryAfter: { type: 'number', minimum: 0 },
    retryLimit: { type: 'integer', minimum: 0 },
  }),
  // A part of the OpenAPI structure that the shape of schemas refers to.
  discriminator: { type: 'object' },
  externalDocs: { type: 'object' },
}

/** Definitions for Arazzo 1.x; the document itself is `root`. Inputs are JSON Schema 2020-12. */
export function arazzoShapes(): ShapeDefinitions {
  return { ...objects, ...schemaShape('openapi', 3.1) }
}
