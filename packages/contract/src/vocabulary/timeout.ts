import type { Shape } from '../shape/shape.ts'
import { duration } from './common.ts'

export const timeout: Shape = {
  ...duration,
  description: 'An answer or a failure comes within it.',
  examples: ['PT5S'],
}
