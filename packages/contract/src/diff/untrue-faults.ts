import { type Findings, sortedFindings } from '../findings/findings.ts'
import type { Finding } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Service, System } from '../model/system.ts'
import { pointerSteps } from '../source/pointer.ts'

/** One of two things that have the same name is not there at all, or what is there depends on the order. */
const lost = new Set([
  'ambiguous-message',
  'ambiguous-name',
  'duplicate-channel',
  'duplicate-key',
  'duplicate-operation',
  'duplicate-service',
  'duplicate-workflow',
  'reference-cycle',
])

/** What is written there is not what is read; a name that only a system could know is read as it is. */
const misread = new Set([
  'empty-value',
  'misplaced-key',
  'missing-member',
  'out-of-range',
  'too-few-items',
  'unknown-key',
  'unknown-value',
  'wrong-expression',
  'wrong-format',
  'wrong-type',
])

/** Of spandrel.yaml: the machine's own business, or a matter of rules; what is read is right all the same. */
const harmless = new Set(['deviation-has-reason', 'ordering-key-is-sent', 'unset-variable'])

/** What Spandrel adds to documents and promises by. A fault in it silently promises nothing, or something else. */
const ours = ['x-guarantees', 'x-integration', 'x-effects', 'x-intent', 'x-sunset']

/**
 * The faults that would be compared as if they were meant: operations that are lost, promises that are misspelt. What is
 * wrong with the structure of a document otherwise, as in many real ones, leaves the comparison true.
 */
export function untrueFaults(findings: Findings, systemFiles: readonly string[], system: System): readonly Finding[] {
  const files = new Set(systemFiles)
  const unread = new Set(Object.values(system.services).flatMap(unreadDocuments))
  return sortedFindings(
    findings.faults
      .filter(({ finding: { id, file }, at }) => {
        if (lost.has(id) || unread.has(file)) return true
        if (files.has(file)) return !harmless.has(id)
        // Misplaced or misspelt, the key of ours is what the fault is about.
        const steps = pointerSteps(at.pointer) ?? []
        const key = steps.at(-1) ?? ''
        return (
          (steps.some((step) => ours.includes(step)) && misread.has(id)) ||
          (key.startsWith('x-') && key !== 'x-probe' && isOurs(id))
        )
      })
      .map(({ finding }) => ({ ...finding, severity: 'error' })),
  )
}

/** Documents of version 2 are turned into another version first, and where they are too broken for that, nothing is read. */
function unreadDocuments({ documents, ...service }: Service): readonly string[] {
  const read = new Set(
    [service.operations, service.sends, service.receives, service.webhooks].flatMap((all) =>
      Object.values<{ readonly location: SourceLocation }>(all).map(({ location }) => location.file),
    ),
  )
  return documents.filter((one) => one.specification.startsWith('2.') && !read.has(one.file)).map(({ file }) => file)
}

function isOurs(id: string): boolean {
  return id === 'misplaced-key' || id === 'unknown-key'
}
