/** A counterexample as a shell script with curl: for people who have nothing of ours, and want to see it. */
import type { EndRecord, HistoryRecord, InvokeRecord } from '../history/records.ts'
import { trialsOf, type TrialView } from '../history/trial-view.ts'
import { runOf } from '../history/history.ts'
import { comment, credentialLines, curlLine, own, withoutSecrets } from './curl-line.ts'
import { messageScript } from './message-script.ts'
import { lastWaitMs } from '../run/count-effects.ts'
import { probeRequest } from '../request/build-request.ts'
import type { CheckVerdict, Counterexample } from '../judge/verdict.ts'
import type { HeaderList } from '../wire/outgoing.ts'

/** Undefined where the history has no such trial. */
export function curlScript(
  records: readonly HistoryRecord[],
  check: CheckVerdict,
  example: Counterexample,
): string | undefined {
  const found = trialsOf(records).find(({ record }) => record.trial === example.trial)
  if (found === undefined) return undefined
  const invokes = withoutSecrets(found.requests.map(({ invoke }) => invoke))
  const trial = { ...found, requests: found.requests.map((request, at) => ({ ...request, invoke: invokes[at]! })) }
  const messages = messageScript(records, check, example)
  if (messages !== undefined) return messages
  // What is sent is shown by the operation with the effect.
  const operation = runOf(records).operations.find(({ ref }) => ref === trial.record.ref)
  if (operation === undefined) return undefined
  const [any] = trial.requests
  const probe =
    any === undefined ? undefined : probeRequest(operation, any.invoke.instance, '$MARKER', callerOf(any.invoke))
  const lines = [
    '#!/usr/bin/env bash',
    `# ${check.ref} promises: ${check.promise}.`,
    comment(`Done: ${example.about}. Seen: ${example.what}.`),
    `# Each run uses keys and markers of its own. Requests leave at the times they left at in ${runOf(records).run}, and wait where it waited.`,
    'set -u',
    'RUN=r$(date +%s)$$',
    ...credentialLines(invokes),
    ...trial.faults
      .filter(({ what }) => what !== 'heal')
      .map(
        ({ dependency, what }) =>
          `# In the run, ${dependency} was ${what === 'stall' ? 'held up' : 'gone'} meanwhile: do the same to see it again.`,
      ),
    '',
    ...requestLines(trial),
    'wait',
  ]
  if (probe !== undefined) {
    const { settlesMs } = operation.probe
    // As long as the run did at least: an effect that comes twice may come late.
    lines.push(`sleep ${((settlesMs + lastWaitMs(settlesMs)) / 1000).toFixed(1)}`)
    for (const marker of new Set(trial.requests.map(({ invoke }) => invoke.marker))) {
      lines.push(
        `echo; echo ${own(`effects of ${marker}:`)}`,
        curlLine({ ...probe, url: probe.url.replaceAll('%24MARKER', marker) }, []),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/**
 * Requests leave at the times they left at, but for one that waited for an answer in the run: that waits here, too. A curl
 * starts slower than a connection that is open, so without it what came one after the other would overlap.
 */
function requestLines(trial: TrialView): string[] {
  const sent = trial.requests
    .flatMap(({ invoke, end }) => (end?.sentAt === undefined ? [] : [{ invoke, end, sentAt: end.sentAt }]))
    .sort((a, b) => a.sentAt - b.sentAt)
  let since = sent[0]?.sentAt ?? 0
  let over = Number.POSITIVE_INFINITY
  return sent.flatMap(({ invoke, end, sentAt }) => {
    const waits = sentAt >= over
    if (waits) since = over
    over = waits || over === Number.POSITIVE_INFINITY ? endOf(end) : Math.max(over, endOf(end))
    const limit =
      end.status === undefined && end.why?.includes('given up')
        ? ['--max-time', Math.max(0.01, (end.at - sentAt) / 1000).toFixed(3)]
        : []
    const delay = ((sentAt - since) / 1000).toFixed(3)
    const line = `( sleep ${delay}; ${curlLine(invoke, limit)}; echo ) &   ${comment(`${invoke.role}: ${end.status ?? end.why ?? ''}`)}`
    return waits ? ['wait', line] : [line]
  })
}

function endOf({ lastByteAt, at }: EndRecord): number {
  return lastByteAt ?? at
}

function callerOf(invoke: InvokeRecord): HeaderList {
  const usual = new Set(['content-type', 'accept'])
  return invoke.headers.filter(([name, value]) => !usual.has(name.toLowerCase()) && value !== invoke.key)
}
