/** Counters of what guarantees did: plain numbers by label, rendered as Prometheus text. */
const kinds = {
  replays: ['spandrel_gateway_replayed_answers_total', 'Copies that got the remembered answer'],
  overlaps: ['spandrel_gateway_overlaps_total', 'Copies refused while the first of their key was being handled'],
  keyReuses: ['spandrel_gateway_key_reuses_total', 'Keys that came again with another request, refused'],
  keyTakeovers: [
    'spandrel_gateway_key_takeovers_total',
    'Requests carried out although how an earlier one with their key ended never became known',
  ],
  unknownOutcomes: [
    'spandrel_gateway_unknown_outcomes_total',
    'Exchanges of keyed requests whose outcome is not known',
  ],
  keysUnavailable: ['spandrel_gateway_keys_unavailable_total', 'Requests refused because no key record could be kept'],
  expiredKeys: ['spandrel_gateway_expired_keys_total', 'Key records deleted at the end of their retention'],
  invalidAnswers: ['spandrel_gateway_invalid_answers_total', 'Answers of services that do not fit their contract'],
  uncheckedAnswers: [
    'spandrel_gateway_unchecked_answers_total',
    'Answers passed on without a look: too large, encoded, or streamed',
  ],
  breakerChanges: ['spandrel_gateway_breaker_changes_total', 'Changes of state of the breakers of instances'],
  breakerRefusals: [
    'spandrel_gateway_breaker_refusals_total',
    'Requests refused at once: the breakers of all instances of their service were open',
  ],
  retries: ['spandrel_gateway_retries_total', 'Requests sent to their service again, by service and why'],
  retriesWithheld: [
    'spandrel_gateway_retries_withheld_total',
    'Retries that were not made: they would have been more than a fifth of the traffic',
  ],
} as const satisfies Record<string, readonly [name: string, help: string]>

export type CounterName = keyof typeof kinds

export class Counters {
  readonly #counts = new Map<CounterName, Map<string, number>>()

  /** `labels` in one order for each name: they are the series. */
  add(name: CounterName, labels: Readonly<Record<string, string>>, count = 1): void {
    const series = this.#counts.get(name) ?? new Map<string, number>()
    this.#counts.set(name, series)
    const key = Object.entries(labels)
      .map(
        ([label, value]) =>
          `${label}="${value.replaceAll(/["\\\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`))}"`,
      )
      .join(',')
    series.set(key, (series.get(key) ?? 0) + count)
  }

  /** Lines in Prometheus text format, each ended. */
  render(): string {
    let text = ''
    for (const [name, series] of this.#counts) {
      const [metric, help] = kinds[name]
      text += `# HELP ${metric} ${help}\n# TYPE ${metric} counter\n`
      for (const [labels, count] of series) text += `${metric}${labels === '' ? '' : `{${labels}}`} ${count}\n`
    }
    return text
  }
}
