/** A counterexample of messages as a shell script: pushed with curl; of a stream, what was appended and how to do it again. */
import { encodeBinary, encodeStructured, type OutgoingMessage } from '@spandrel/runtime/operate'
import { runOf } from '../history/history.ts'
import type { MessageRecord, ProcessRecord } from '../history/message-records.ts'
import type { HistoryRecord } from '../history/records.ts'
import type { CheckVerdict, Counterexample } from '../judge/verdict.ts'
import { comment, curlLine } from './curl-line.ts'

/** Undefined where the trial has no messages. */
export function messageScript(
  records: readonly HistoryRecord[],
  check: CheckVerdict,
  example: Counterexample,
): string | undefined {
  const mine = records.filter((record) => 'trial' in record && record.trial === example.trial)
  const messages = mine.filter((record): record is MessageRecord => record.type === 'message')
  const [first] = messages
  if (first === undefined) return undefined
  const { run, messages: facts } = runOf(records)
  const deaths = mine.filter((record): record is ProcessRecord => record.type === 'process' && record.what === 'killed')
  const lines = [
    '#!/usr/bin/env bash',
    `# ${check.ref} promises: ${check.promise}.`,
    comment(`Done: ${example.about}. Seen: ${example.what}.`),
    ...deaths.map(
      ({ at }) =>
        `# In the run the service was killed ${((at - first.at) / 1000).toFixed(3)} s after the first message, and started again: do the same.`,
    ),
  ]
  const push = facts?.push
  if (push === undefined)
    return `${[
      ...lines,
      '# These messages were appended to the stream. That is done by its transport, in one transaction with the heads of its',
      '# partitions: no line of SQL and no curl does it. So this does it again with verify; give it the options of the run.',
      ...messages.map(({ at, role, channel, attributes, data }) =>
        comment(
          `  ${((at - first.at) / 1000).toFixed(3)} s  ${role} on ${channel}: ${JSON.stringify(attributes)} ${data}`,
        ),
      ),
      `exec spandrel verify --repeat '${check.finding}' "$@"`,
    ].join('\n')}\n`
  const ids = new Map<string, string>()
  for (const { id } of messages) if (!ids.has(id)) ids.set(id, `${run}-m${900 + ids.size}`)
  return `${[
    ...lines,
    `# Each run uses ids and markers of its own. Messages leave at the times they left at in ${run}.`,
    'set -u',
    'RUN=r$(date +%s)$$',
    '',
    ...messages.map((record) => {
      const wait = ((record.at - first.at) / 1000).toFixed(3)
      const body = curlLine({ method: 'POST', url: push.url, ...encoded(record, ids, push.mode) }, [])
      return `( sleep ${wait}; ${body}; echo ) &   # ${record.role}`
    }),
    'wait',
  ].join('\n')}\n`
}

function encoded(
  { channel, attributes, data, id }: MessageRecord,
  ids: ReadonlyMap<string, string>,
  mode: 'binary' | 'structured',
) {
  const message = { channel, attributes: { ...attributes, id: ids.get(id) ?? id }, data } as OutgoingMessage
  if (mode === 'structured')
    return { headers: [['Content-Type', 'application/cloudevents+json']] as const, body: encodeStructured(message) }
  const { headers, body } = encodeBinary(message)
  return { headers: Object.entries(headers), body }
}
