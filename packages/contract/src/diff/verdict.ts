import type { ContractDocument, System } from '../model/system.ts'
import type { Bump, DiffFinding } from './model.ts'

/** One contract document: what its changes ask of its version, and what its version did. */
export interface DocumentVerdict {
  readonly service: string
  /** absolute path in the revision */
  readonly file: string
  readonly title: string
  readonly needs: Bump
  readonly before: string
  readonly after: string
  /** whether `info.version` moved at least as far as it has to; undefined where it is no semver */
  readonly enough?: boolean
  /** the least version that would be enough */
  readonly least?: string
}

export interface Verdict {
  /** of all changes together */
  readonly needs: Bump
  readonly documents: readonly DocumentVerdict[]
}

const order: readonly Bump[] = ['none', 'patch', 'minor', 'major']

export function verdictOf(findings: readonly DiffFinding[], base: System, revision: System): Verdict {
  const documents = Object.values(revision.services).flatMap((service) => {
    const before = base.services[service.name]
    if (before === undefined) return []
    return service.documents.flatMap((document, index) => {
      const old = twinOf(document, index, before.documents)
      if (old === undefined) return []
      const needs = greatest(findings.filter((one) => one.document === document.file).map(({ bump }) => bump))
      return [documentVerdict(service.name, document, old.version, needs)]
    })
  })
  return { needs: greatest(findings.map(({ bump }) => bump)), documents }
}

/** The same file, or the only one of its kind; a document that moved is one that stayed. */
export function twinOf(
  document: ContractDocument,
  index: number,
  all: readonly ContractDocument[],
): ContractDocument | undefined {
  const kind = all.filter((one) => one.kind === document.kind)
  return all.find(({ file }) => file === document.file) ?? (kind.length === 1 ? kind[0] : all[index])
}

function documentVerdict(service: string, document: ContractDocument, before: string, needs: Bump): DocumentVerdict {
  const { file, title, version: after } = document
  const shared = { service, file, title, needs, before, after }
  const [old, now] = [parsed(before), parsed(after)]
  if (old === undefined || now === undefined) return shared
  const least = next(old, needs)
  return { ...shared, enough: compared(now, least) >= 0, least: least.join('.') }
}

type Version = readonly [number, number, number]

/** `v1.2`, `1.2.3-beta+5`: what is missing is 0; what follows the three numbers does not count. A date is none. */
function parsed(version: string): Version | undefined {
  const found = /^v?(\d+)(?:\.(\d+)(?:\.(\d+)(?:[-+].*)?)?)?$/.exec(version.trim())
  return found === null ? undefined : [Number(found[1]), Number(found[2] ?? 0), Number(found[3] ?? 0)]
}

/** Semver, 4: before 1.0.0 a minor version may break. */
function next([major, minor, patch]: Version, needs: Bump): Version {
  if (needs === 'none') return [major, minor, patch]
  if (needs === 'patch') return [major, minor, patch + 1]
  if (needs === 'minor' || major === 0) return [major, minor + 1, 0]
  return [major + 1, 0, 0]
}

function compared(a: Version, b: Version): number {
  for (const index of [0, 1, 2] as const) if (a[index] !== b[index]) return a[index] - b[index]
  return 0
}

function greatest(all: readonly Bump[]): Bump {
  return all.reduce<Bump>((most, one) => (order.indexOf(one) > order.indexOf(most) ? one : most), 'none')
}
