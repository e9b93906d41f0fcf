/** A handful of numbers in the Prometheus text format (version 0.0.4), written by hand: no dependency is worth them. */
export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(labels?: Labels, by?: number): void
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly values: Map<string, number>
}

interface NamedGauge {
  readonly name: string
  readonly help: string
  readonly value: number
}

export class Metrics {
  readonly #families: Family[] = []
  readonly #gauges: { name: string; help: string; read: () => Iterable<readonly [Labels, number]> }[] = []
  readonly #named: (() => Iterable<NamedGauge>)[] = []

  /** `name` ends in `_total` by custom. The number of label values must be bounded: operations, never keys. */
  counter(name: string, help: string): Counter {
    const values = new Map<string, number>()
    this.#families.push({ name, help, type: 'counter', values })
    return {
      add(labels = {}, by = 1) {
        const key = write(labels)
        values.set(key, (values.get(key) ?? 0) + by)
      },
    }
  }

  /** Read when somebody asks. */
  gauge(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void {
    this.#gauges.push({ name, help, read })
  }

  /** Gauges whose names are known only when somebody asks: `camelCase` becomes `snake_case`. */
  named(read: () => Iterable<NamedGauge>): void {
    this.#named.push(read)
  }

  render(): string {
    const lines: string[] = []
    for (const { name, help, type, values } of this.#families) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`)
    }
    for (const { name, help, read } of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`)
      for (const [labels, value] of read()) lines.push(`${name}${write(labels)} ${value}`)
    }
    for (const read of this.#named) {
      for (const { name, help, value } of read()) {
        const written = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
        lines.push(`# HELP ${written} ${help}`, `# TYPE ${written} gauge`, `${written} ${value}`)
      }
    }
    return `${lines.join('\n')}\n`
  }
}

function write(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escape(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
