import { expect, test } from 'vitest'
import { Metrics } from './metrics.ts'

test('the text format of Prometheus: help, type, labels escaped', () => {
  const metrics = new Metrics()
  const seen = metrics.counter('seen_total', 'What was seen')
  seen.add()
  seen.add({ of: 'a "quoted"\nline\\' }, 2)
  seen.add({ of: 'a "quoted"\nline\\' })
  metrics.named(() => [{ name: 'spandrel_relay_oldestUnsentSeconds', help: 'Of a loop', value: 3 }])
  metrics.gauge('now', 'What is', () => [[{ loop: 'x' }, 1.5]])
  expect(metrics.render()).toBe(
    [
      '# HELP seen_total What was seen',
      '# TYPE seen_total counter',
      'seen_total 1',
      String.raw`seen_total{of="a \"quoted\"\nline\\"} 3`,
      '# HELP now What is',
      '# TYPE now gauge',
      'now{loop="x"} 1.5',
      '# HELP spandrel_relay_oldest_unsent_seconds Of a loop',
      '# TYPE spandrel_relay_oldest_unsent_seconds gauge',
      'spandrel_relay_oldest_unsent_seconds 3',
      '',
    ].join('\n'),
  )
})
