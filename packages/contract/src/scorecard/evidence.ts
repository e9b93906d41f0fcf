import type { Service, System } from '../model/system.ts'
import type { ReportUse } from './model.ts'

/** What is checked out where a service's contracts are: a hash, and whether files differ from it. */
export interface CheckedOut {
  readonly id: string
  readonly changed: boolean
}

/** A file that is said to be what `spandrel verify --json` printed. Nothing is taken for granted about `content`. */
export interface GivenReport {
  readonly file: string
  readonly content: unknown
}

type Verdict = 'PASS' | 'FAIL' | 'WEAK' | 'INCONCLUSIVE' | 'NOT TESTED'

interface Result {
  readonly file: string
  readonly ref: string
  readonly member: string
  readonly verdict: Verdict
  readonly checks: readonly { readonly check: string; readonly verdict: Verdict }[]
}

/** What has to have passed for an answer to count as tested. */
export interface Proof {
  /** `orders.placeOrder` */
  readonly ref: string
  readonly member: string
  /** these of its checks; absent: the member as a whole */
  readonly checks?: readonly string[]
}

/** What verify reports of what is checked out show. */
export class Evidence {
  readonly reports: readonly ReportUse[]
  readonly #results: readonly Result[]

  constructor(reports: readonly GivenReport[], system: System, commitOf: (service: Service) => CheckedOut | undefined) {
    const read = reports.map((report) => readReport(report, system, commitOf))
    this.reports = read.map(({ use }) => use)
    this.#results = read.flatMap(({ results }) => results)
  }

  /** Which report shows all of it; `broken` where one shows the contrary. */
  shows(proofs: readonly Proof[]): { readonly file: string; readonly broken?: string } | undefined {
    if (proofs.length === 0) return undefined
    const all = proofs.map((proof) => this.#one(proof))
    const broken = all.find((one) => one?.verdict === 'FAIL')
    if (broken !== undefined) return { file: broken.file, broken: broken.what }
    const [first] = all
    return first !== undefined && all.every((one) => one?.verdict === 'PASS') ? { file: first.file } : undefined
  }

  /** A report that came to a verdict about any of these operations. */
  of(refs: readonly string[]): { readonly file: string; readonly verdicts: readonly Verdict[] } | undefined {
    const told: readonly Verdict[] = ['PASS', 'FAIL', 'WEAK']
    const found = this.#results.filter(({ ref, verdict }) => refs.includes(ref) && told.includes(verdict))
    const [first] = found
    return first === undefined ? undefined : { file: first.file, verdicts: found.map(({ verdict }) => verdict) }
  }

  /** Where several reports speak of it, what fails in one is broken. */
  #one({ ref, member, checks }: Proof): { verdict: Verdict; file: string; what: string } | undefined {
    const verdicts = this.#results
      .filter((one) => one.ref === ref && one.member === member)
      .map(({ file, verdict, checks: made }) => {
        if (checks === undefined) {
          const failed = made.find((one) => one.verdict === 'FAIL')?.check
          return { file, verdict, what: failed === undefined ? `${ref} ${member}` : `${ref}/${failed}` }
        }
        const named = checks.map((name) => ({
          name,
          verdict: made.find(({ check }) => check === name)?.verdict ?? 'NOT TESTED',
        }))
        const failed = named.find((one) => one.verdict === 'FAIL')
        const passed = named.every((one) => one.verdict === 'PASS')
        return {
          file,
          verdict: failed !== undefined ? 'FAIL' : passed ? 'PASS' : 'NOT TESTED',
          what: `${ref}/${failed?.name ?? checks.join(', ')}`,
        } as const
      })
    return verdicts.find(({ verdict }) => verdict === 'FAIL') ?? verdicts.find(({ verdict }) => verdict === 'PASS')
  }
}

function readReport(
  { file, content }: GivenReport,
  system: System,
  commitOf: (service: Service) => CheckedOut | undefined,
): { use: ReportUse; results: readonly Result[] } {
  const refused = (why: string) => ({ use: { file, counted: false, why }, results: [] })
  const report = record(content)
  const { version, commit, results } = report ?? {}
  if (report === undefined || !Array.isArray(results) || typeof report['run'] !== 'string') {
    return refused('it is no report of `spandrel verify --json`')
  }
  if (version !== 1) return refused(`its shape is version ${String(version)}, and only 1 is known`)
  const all = results.flatMap((one) => readResult(one, file))
  const services = [...new Set(all.map(({ ref }) => ref.slice(0, ref.indexOf('.'))))]
  const unknown = services.find((name) => system.services[name] === undefined)
  if (unknown !== undefined) return refused(`it is about ${unknown}, which is no service of ${system.name}`)
  if (all.length === 0) return refused('it tested nothing')
  const made = record(commit)
  const id = made?.['id']
  if (typeof id !== 'string') return refused('it does not say which commit it is of')
  if (made?.['changed'] === true) return refused(`it is of ${id.slice(0, 8)} with changes that are in no commit`)
  for (const name of services) {
    const service = system.services[name]
    const here = service === undefined ? undefined : commitOf(service)
    if (here === undefined) return refused(`nobody knows which commit the contracts of ${name} are of`)
    if (here.id !== id) return refused(`it is of commit ${id.slice(0, 8)}, and this is ${here.id.slice(0, 8)}`)
    if (here.changed) return refused(`${name} has changes here that are not in ${id.slice(0, 8)}`)
  }
  const why = `${services.join(', ')} at ${id.slice(0, 8)}: ${all.filter(({ verdict }) => verdict !== 'NOT TESTED').length} of ${all.length} guarantees were tested`
  return { use: { file, counted: true, why }, results: all }
}

function readResult(value: unknown, file: string): readonly Result[] {
  const result = record(value)
  const [ref, member, verdict] = [result?.['ref'], result?.['member'], verdictOf(result?.['verdict'])]
  if (typeof ref !== 'string' || typeof member !== 'string' || verdict === undefined) return []
  const checks = result?.['checks']
  return [
    {
      file,
      ref,
      member,
      verdict,
      checks: (Array.isArray(checks) ? checks : []).flatMap((one) => {
        const check = record(one)?.['check']
        const said = verdictOf(record(one)?.['verdict'])
        return typeof check === 'string' && said !== undefined ? [{ check, verdict: said }] : []
      }),
    },
  ]
}

function verdictOf(value: unknown): Verdict | undefined {
  const known: readonly Verdict[] = ['PASS', 'FAIL', 'WEAK', 'INCONCLUSIVE', 'NOT TESTED']
  return known.find((one) => one === value)
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
