import type { Shape } from '../shape/shape.ts'
import { expression } from './common.ts'

export const correlation: Shape = {
  ...expression,
  description:
    'Where the correlation id of a request is read from. OpenAPI only: AsyncAPI messages have `correlationId` for it.',
  examples: ['$request.header.correlation-id'],
}
