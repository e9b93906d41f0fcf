/** A counterexample as a shell script with curl: for people who have nothing of ours, and want to see it. */
import type { HistoryRecord, InvokeRecord } from '../history/records.ts'
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
  const sent = trial.requests.filter(({ end }) => end?.sentAt !== undefined)
  const began = Math.min(...sent.map(({ end }) => end!.sentAt!))
  const [any] = trial.requests
  const probe =
    any === undefined ? undefined : probeRequest(operation, any.invoke.instance, '$MARKER', callerOf(any.invoke))
  const lines = [
    '#!/usr/bin/env bash',
    `# ${check.ref} promises: ${check.promise}.`,
    comment(`Done: ${example.about}. Seen: ${example.what}.`),
    `# Each run uses keys and markers of its own. Requests leave at the times they left at in ${runOf(records).run}.`,
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
    ...requestLines(trial, began),
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

function requestLines(trial: TrialView, began: number): string[] {
  return trial.requests
    .filter(({ end }) => end?.sentAt !== undefined)
    .sort((a, b) => a.end!.sentAt! - b.end!.sentAt!)
    .map(({ invoke, end }) => {
      const wait = (end!.sentAt! - began) / 1000
      const limit =
        end!.status === undefined && end!.why?.includes('given up')
          ? ['--max-time', Math.max(0.01, (end!.at - end!.sentAt!) / 1000).toFixed(3)]
          : []
      return `( sleep ${wait.toFixed(3)}; ${curlLine(invoke, limit)}; echo ) &   ${comment(`${invoke.role}: ${end!.status ?? end!.why ?? ''}`)}`
    })
}

function callerOf(invoke: InvokeRecord): HeaderList {
  const usual = new Set(['content-type', 'accept'])
  return invoke.headers.filter(([name, value]) => !usual.has(name.toLowerCase()) && value !== invoke.key)
}
