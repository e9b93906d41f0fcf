/**
 * A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), and of what its
 * histograms must be. Throws at the first line that a scraper could take otherwise than it was meant.
 */
export interface Metric {
  readonly type: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y

export function parsePrometheus(text: string): Map<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const metrics = new Map<string, Metric>()
  const helped = new Set<string>()
  const series = new Set<string>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (help !== null) {
      if (helped.has(help[1]!)) throw new Error(`described twice: ${line}`)
      if (/\\(?![\\n])/.test(help[2]!)) throw new Error(`an escape that is none: ${line}`)
      helped.add(help[1]!)
    } else if (type !== null) {
      current = type[1]!
      if (metrics.has(current)) throw new Error(`typed twice: ${line}`)
      if (!helped.has(current)) throw new Error(`typed before it is described: ${line}`)
      if ((type[2] === 'counter') !== current.endsWith('_total')) throw new Error(`_total is for counters: ${line}`)
      metrics.set(current, { type: type[2]!, samples: [] })
    } else {
      const found = sample.exec(line)
      if (found === null) throw new Error(`no sample: ${line}`)
      const [, name = '', inner = '', number = ''] = found
      const metric = metrics.get(current)
      const own = metric?.type === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name
      if (metric === undefined || own !== current) throw new Error(`not in the group of its metric: ${line}`)
      const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number)
      if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
      if (metric.type !== 'gauge' && value < 0) throw new Error(`below nought: ${line}`)
      const labels = labelsOf(inner, line)
      const pairs = Object.entries(labels).map(([one, of]) => `${one}=${JSON.stringify(of)}`)
      const key = `${name} ${pairs.toSorted((left, right) => left.localeCompare(right)).join()}`
      if (series.has(key)) throw new Error(`a series twice: ${line}`)
      series.add(key)
      metric.samples.push({ name, labels, value })
    }
  }
  for (const [name, metric] of metrics) if (metric.type === 'histogram') checkHistogram(name, metric)
  return metrics
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const found = label.exec(text)
    if (found === null) throw new Error(`no labels: ${line}`)
    const [, name = '', value = ''] = found
    if (Object.hasOwn(labels, name)) throw new Error(`a label twice: ${line}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return labels
}

/** Buckets rise with `le`, end with `+Inf`, and that one is the count; there is a sum. */
function checkHistogram(name: string, { samples }: Metric): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _le, ...others } }) => JSON.stringify(others))
  for (const [labels, group] of groups) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
    if (bounds.some((bound, index) => index > 0 && bound <= bounds[index - 1]!)) throw new Error(`bounds of ${labels}`)
    if (buckets.some(({ value }, index) => index > 0 && value < buckets[index - 1]!.value))
      throw new Error(`the buckets of ${labels} do not add up`)
    const [sum, count] = ['sum', 'count'].map((kind) => group.find((one) => one.name === `${name}_${kind}`))
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || sum === undefined || count?.value !== buckets.at(-1)?.value)
      throw new Error(`${labels} of ${name} has no +Inf, no sum, or another count`)
  }
}
