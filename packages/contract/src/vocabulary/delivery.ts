import type { Shape } from '../shape/shape.ts'

export const delivery: Shape = {
  title: 'delivery',
  description:
    'Whether a message can be lost or can arrive twice. At-least-once includes that every redelivery keeps the same source and id. There is no exactly-once: at-least-once and an idempotent consumer together are effectively once.',
  examples: ['at-least-once'],
  enum: ['at-least-once', 'at-most-once'],
  'x-synonyms': {
    'exactly-once': 'at-least-once',
    'effectively-once': 'at-least-once',
    'fire-and-forget': 'at-most-once',
    'best-effort': 'at-most-once',
  },
}
