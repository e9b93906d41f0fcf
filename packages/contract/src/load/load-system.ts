import { resolve } from 'node:path'
import { Findings, sortedFindings } from '../findings/findings.ts'
import type { Finding } from '../model/finding.ts'
import type { System } from '../model/system.ts'
import { applyRules } from '../rules/apply-rules.ts'
import { ruleContext } from '../rules/rule-context.ts'
import type { Scorecard } from '../scorecard/model.ts'
import { type ScoreOptions, scorecardOf } from '../scorecard/scorecard.ts'
import { scoringOf } from '../scorecard/scoring.ts'
import { type Sheet, sheetsOf } from '../scorecard/sheets/sheet.ts'
import { Sources } from '../source/sources.ts'
import { buildSystem } from '../system/build-system.ts'
import { documentsAsFiles } from '../system/documents-as-files.ts'
import { deepFreeze } from '../system/freeze.ts'
import type { SystemFile } from '../system/read-files.ts'
import { readSystemFiles } from '../system/read-files.ts'
import type { Environment } from '../system/variables.ts'

export interface LoadOptions {
  /** fills `${VAR}`, and overrides keys (`SPANDREL_SERVICES_ORDERS_URL`); `process.env` by default */
  readonly env?: Environment
}

export interface LoadResult {
  /** absent where any finding is an error: half a system is not given out */
  readonly system?: System
  /** by file, line and column */
  readonly findings: readonly Finding[]
}

export interface CheckOptions extends LoadOptions {
  /** the day acknowledgements and ends are compared with, `2026-11-22`; today in UTC by default */
  readonly today?: string
}

/**
 * Reads a `spandrel.yaml`, what it includes and every contract it names. Touches files only, never the network.
 * Does not throw for anything a document can contain; a missing file is a finding too.
 */
export async function loadSystem(file: string, options: LoadOptions = {}): Promise<LoadResult> {
  const { system, findings } = read(options, (env, sources, found) =>
    readSystemFiles(resolve(file), env, sources, found),
  )
  return system === undefined ? { findings } : { system, findings }
}

/**
 * `loadSystem`, and then every rule applied to what was read, with the severities and acknowledgements of the file.
 * Rules need a system that can be read: while it has errors, only those are given.
 */
export async function checkSystem(file: string, options: CheckOptions = {}): Promise<LoadResult> {
  return checked(options, (env, sources, found) => readSystemFiles(resolve(file), env, sources, found))
}

/**
 * The same for contracts alone, without any spandrel.yaml: those of one name in one folder (`orders.openapi.yaml`,
 * `orders.asyncapi.yaml`) are one service.
 */
export async function checkDocuments(files: readonly string[], options: CheckOptions = {}): Promise<LoadResult> {
  return checked(options, () => documentsAsFiles(files.map((file) => resolve(file))))
}

export interface ScoreResult extends LoadResult {
  /** absent where any finding is an error */
  readonly scorecard?: Scorecard
  /** a page about each integration, as it belongs into a folder */
  readonly sheets?: (folder: string) => readonly Sheet[]
}

/** Reads a system as `checkSystem` does, and answers the ten questions about it. Its findings are those of reading. */
export async function scoreSystem(file: string, options: CheckOptions & ScoreOptions = {}): Promise<ScoreResult> {
  return scored(options, (env, sources, found) => readSystemFiles(resolve(file), env, sources, found))
}

/** The same for contracts alone. */
export async function scoreDocuments(
  files: readonly string[],
  options: CheckOptions & ScoreOptions = {},
): Promise<ScoreResult> {
  return scored(options, () => documentsAsFiles(files.map((file) => resolve(file))))
}

type FilesReader = (env: Environment, sources: Sources, findings: Findings) => readonly SystemFile[]

interface Read extends LoadResult {
  readonly sources: Sources
}

function read({ env = process.env }: LoadOptions, filesOf: FilesReader, official = false): Read {
  const findings = new Findings()
  const sources = new Sources(findings)
  const files = filesOf(env, sources, findings)
  const system = buildSystem(files, env, sources, findings, { official })
  if (system === undefined || findings.hasErrors) return { findings: findings.sorted(), sources }
  return { system: deepFreeze(system), findings: findings.sorted(), sources }
}

function checked(options: CheckOptions, filesOf: FilesReader): LoadResult {
  const { system, findings, sources } = read(options, filesOf, true)
  if (system === undefined) return { findings }
  const all = applyRules(ruleContext(system, sources, todayOf(options)), findings)
  return { system, findings: sortedFindings(all) }
}

function scored(options: CheckOptions & ScoreOptions, filesOf: FilesReader): ScoreResult {
  const { system, findings, sources } = read(options, filesOf, true)
  if (system === undefined) return { findings }
  const scoring = scoringOf(ruleContext(system, sources, todayOf(options)))
  return {
    system,
    findings,
    scorecard: scorecardOf(scoring, options),
    sheets: (folder) => sheetsOf(scoring, resolve(folder)),
  }
}

function todayOf({ today }: CheckOptions): string {
  return today ?? new Date().toISOString().slice(0, 10)
}
