import type { Severity } from '../model/finding.ts'
import type { CheckSettings } from '../model/system.ts'
import { entriesAt, field, listAt, text, textAt } from '../source/node.ts'
import type { SystemFile } from './read-files.ts'

/** Severities are the root's: one policy a system. Acknowledgements are each repository's own. */
export function readCheck(files: readonly SystemFile[]): CheckSettings | undefined {
  if (files.every(({ root }) => field(root, 'check') === undefined)) return undefined
  const root = field(files[0]?.root, 'check')
  const severities = entriesAt(root, 'severities').flatMap(([rule, { keyAt, value }]) => {
    const severity = text(value) as Severity | 'off' | undefined
    return severity === undefined ? [] : [[rule, { severity, location: keyAt }] as const]
  })
  const acknowledged = files.flatMap((file) =>
    listAt(field(file.root, 'check'), 'acknowledged').flatMap((node) => {
      const member = (key: string): string => textAt(node, key) ?? ''
      const [rule, subject, owner] = [member('rule'), member('subject'), member('owner')]
      return [
        { rule, subject, owner, reason: member('reason'), until: member('until').slice(0, 10), location: node.at },
      ]
    }),
  )
  return { severities: Object.fromEntries(severities), acknowledged }
}
