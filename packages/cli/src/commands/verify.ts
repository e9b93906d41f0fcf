import { readFile } from 'node:fs/promises'
import type { Service } from '@spandrel/contract'
import type { Colour, HistoryRecord, MessageFacts, Planted, Profile, ServicePlan, VerifyReport } from '@spandrel/verify'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { printReport } from '../output/print-report.ts'
import { type ExitCode, command } from '../program.ts'
import { commitOf } from '../system/commit.ts'
import { shown } from '../system/find-config.ts'
import { BrokenSystem, contractPackage, nearest, openSystem } from '../system/open-system.ts'
import { isVerifiable, openMessages, plannedMessages, operationNames, type OpenedMessages } from './verify-messages.ts'
import { certificatesAreTrusted, historyCanBeWritten, orStopped, startProxy } from './verify-beforehand.ts'
import { evidenceCanBeWritten, writeEvidence } from './verify-evidence.ts'
import { dueKeys, openLedger } from './verify-ledger.ts'
import { databaseIsAllowed, dependencyIsAllowed, hostIsAllowed } from './verify-hosts.ts'
import { CommandedService } from './verify-process.ts'
import {
  callersOf,
  countsOf,
  dependenciesOf,
  seedOf,
  tenantOf,
  type VerifyCommandOptions,
  verifyOptions,
} from './verify-options.ts'

type Verify = typeof import('@spandrel/verify')

export const verify = command<VerifyCommandOptions>({
  usage: 'verify [documents...]',
  summary: 'attack a running service, and judge the guarantees it declares',
  description:
    'Does the service keep what its contract promises? Repeats requests, at once, late, changed, by other callers and ' +
    'after failures; counts the effects; and names each broken guarantee with evidence. Needs a contract with x-guarantees ' +
    'and x-probe, and nothing in the service. It really sends those requests: use a system that is meant for tests. ' +
    'Exits 1 where a guarantee is broken, 3 where something could not be told.',
  options: verifyOptions,
  examples: [
    ['verify orders.openapi.yaml --url http://127.0.0.1:7001', 'a document and a running service'],
    [
      'verify --service orders --url http://127.0.0.1:7001 --url http://127.0.0.1:7002',
      'two instances of one of the system',
    ],
    ['verify orders.openapi.yaml --dry-run', 'what would be tested'],
    [
      "verify orders.openapi.yaml --url http://127.0.0.1:7001 --caller 'X-Api-Key: a' --caller 'X-Api-Key: b'",
      'with callers',
    ],
    [
      "verify --service parcels --transport postgres://127.0.0.1/stream --start 'node parcels.js' --url http://127.0.0.1:7001",
      'messages too, and what happens when it dies',
    ],
    ['verify --judge run.jsonl', 'the same verdicts from a history'],
  ],
  async run(options, documents, output) {
    const package_ = await import('@spandrel/verify')
    if (options.dryRun === true) nothingToWrite(options)
    evidenceCanBeWritten(options)
    if (options.judge !== undefined) return await again(package_, options.judge, options, output)
    const service = await serviceOf(documents, options)
    const { only, check } = wanted(package_, service, options)
    const queries = countsOf(options)
    const facts = package_.messageFacts(service, only, [...queries.keys()])
    for (const name of queries.keys()) wanted(package_, service, { operation: [name] })
    let plan = package_.planService(service, only, [...queries.keys()])
    const profile = package_.profiles[options.profile ?? 'default']
    if (options.dryRun === true) return dryRun(package_, plan, facts, profile, options, output)
    const instances = await urlsOf(package_, service, options)
    if (options.database !== undefined) await databaseIsAllowed(package_, options.database, options.allow, '--database')
    const dependencies = dependenciesOf(options.dependency)
    for (const one of dependencies) await dependencyIsAllowed(package_, one, options.allow)
    somethingToAttack(package_, plan, facts, service, options)
    const ledger = openLedger(package_, service.name, options)
    let due: readonly Planted[] | undefined
    if (ledger !== undefined && options.due === true) {
      const attacked = plan.operations.filter((one) => package_.leftAlone(one) === undefined).map(({ ref }) => ref)
      const found = dueKeys(package_, ledger, attacked, options, output)
      if (found.length === 0) return 0
      due = found
      plan = { ...plan, operations: plan.operations.filter(({ ref }) => found.some((one) => one.ref === ref)) }
    }
    const proxies = []
    const commanded = commandsOf(options)
    let messages: OpenedMessages | undefined
    const { openCounters } = await import('./verify-counters.ts')
    const counting = options.database === undefined ? undefined : await openCounters(options.database, queries)
    const stop = new AbortController()
    const interrupted = (): void => {
      // The second time it is meant: nothing is cleaned up then.
      if (stop.signal.aborted) process.exit(130)
      output.progress('stopping, and cleaning up; once more to leave everything as it is')
      stop.abort()
    }
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
    try {
      await certificatesAreTrusted(package_, instances)
      historyCanBeWritten(options)
      for (const one of dependencies) proxies.push(await startProxy(package_, one))
      const seed = seedOf(options.seed)
      const commit = commitOf(service.dir)
      messages = await openMessages(package_, facts, service, options)
      const process =
        commanded === undefined
          ? undefined
          : await orStopped(stop.signal, started(package_, commanded, instances, options, output))
      const history = await package_.run({
        plan,
        instances,
        callers: callersOf(options.caller),
        ...tenantOf(options),
        dependencies: proxies,
        profile,
        volatile: options.volatile ?? [],
        ...(seed !== undefined && { seed }),
        ...(commit !== undefined && { commit }),
        ...(options.history !== undefined && { file: options.history }),
        ...(check !== undefined && { check }),
        ...(counting !== undefined && { counters: counting.counters }),
        ...(due === undefined ? { messages: messages.options } : { due }),
        ...(ledger !== undefined && { ledger }),
        ...(process !== undefined && { process }),
        onProgress: (words) => output.progress(words),
        signal: stop.signal,
      })
      output.progress('')
      if (history.fault !== undefined) output.line(`The history ${options.history} is not whole: ${history.fault}`)
      return await tell(package_, history.records, options, output)
    } catch (error) {
      if (!stop.signal.aborted) throw error
      // What a stimulus still waits for keeps nobody waiting.
      setTimeout(() => process.exit(), 500).unref()
      throw new CommandError('it was stopped before it was done', {
        fix:
          options.history === undefined
            ? 'run it again'
            : `see what it had found: spandrel verify --judge ${options.history}`,
        cause: error,
      })
    } finally {
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      for (const proxy of proxies) await proxy.close()
      await counting?.close()
      await messages?.close()
      await commanded?.close()
    }
  },
})

async function serviceOf(documents: readonly string[], options: VerifyCommandOptions): Promise<Service> {
  const system = documents.length === 0 ? await openSystem(options.config) : await alone(documents)
  const withHttp = Object.values(system.services).filter(isVerifiable)
  const names = withHttp.map(({ name }) => name)
  if (options.service === undefined && withHttp.length === 1) return withHttp[0]!
  const named = withHttp.find(({ name }) => name === options.service)
  if (named !== undefined) return named
  const near = options.service === undefined ? undefined : nearest(options.service, names)
  throw new CommandError(
    options.service === undefined
      ? 'which service?'
      : `there is no service ${options.service} with operations of its own`,
    {
      where: shown(system.file),
      fix:
        near === undefined
          ? names.length === 0
            ? 'name an OpenAPI or AsyncAPI document'
            : `--service ${names.join(' or --service ')}`
          : `did you mean ${near}?`,
    },
  )
}

async function alone(documents: readonly string[]) {
  const { checkDocuments } = await contractPackage()
  const { system, findings } = await checkDocuments(documents, { env: {} })
  if (system === undefined) throw new BrokenSystem(documents[0]!, findings)
  return system
}

/** The operations that are meant, and with `--repeat` the one check. */
function wanted(
  package_: Verify,
  service: Service,
  { operation, repeat }: VerifyCommandOptions,
): { only?: string[]; check?: string } {
  const names = operationNames(service)
  const known = (name: string): string => {
    const bare = name.replace(`${service.name}.`, '')
    if (names.includes(bare)) return bare
    const near = nearest(bare, names)
    throw new CommandError(`${service.name} has no operation ${bare}`, {
      fix: near === undefined ? `it has ${names.join(', ')}` : `did you mean ${near}?`,
    })
  }
  if (repeat === undefined) return operation === undefined ? {} : { only: operation.map(known) }
  // The last one: an operationId may have slashes of its own.
  const slash = repeat.lastIndexOf('/')
  const [ref, check] = [repeat.slice(0, Math.max(slash, 0)), repeat.slice(slash + 1)]
  const ids = [...package_.checks, ...package_.messageChecks].map(({ id }) => id)
  if (slash < 0 || !ids.includes(check)) {
    const near = nearest(check, ids)
    throw new CommandError(`${repeat} is no finding`, {
      where: '--repeat',
      fix:
        slash < 0
          ? 'write its operation before it, operation/check, as the report does behind `again:`'
          : near === undefined
            ? 'the report names it behind `again:`; --dry-run lists the checks of each operation'
            : `did you mean ${ref}/${near}?`,
    })
  }
  // The key of another operation: that one has to be there, too.
  return check === 'other-operation' ? { check } : { only: [known(ref)], check }
}

async function urlsOf(package_: Verify, service: Service, { url, allow }: VerifyCommandOptions): Promise<string[]> {
  const urls = url ?? (service.url?.value === undefined ? [] : [service.url.value])
  // What has messages only may have nothing to ask.
  if (urls.length === 0 && Object.keys(service.operations).length === 0) return []
  if (urls.length === 0)
    throw new CommandError(`where does ${service.name} run?`, {
      fix: '--url http://127.0.0.1:7001, once for each instance',
    })
  for (const one of urls) {
    if (!URL.canParse(one) || !/^https?:$/.test(new URL(one).protocol))
      throw new CommandError(`${one} is no URL`, { where: '--url', fix: 'write --url http://127.0.0.1:7001' })
    await hostIsAllowed(package_, one, allow, '--url', 'http://127.0.0.1:7001')
  }
  return urls
}

/** The commands that kill and start, where they were given. */
function commandsOf({ start, kill }: VerifyCommandOptions): CommandedService | undefined {
  if (start !== undefined) return new CommandedService({ start, ...(kill !== undefined && { kill }) })
  if (kill === undefined) return undefined
  throw new CommandError('there is a --kill and no --start', { where: '--kill', fix: "--start 'docker start NAME'" })
}

async function started(
  package_: Verify,
  control: CommandedService,
  instances: readonly string[],
  { ready, allow }: VerifyCommandOptions,
  output: Output,
) {
  const asked = ready ?? instances
  if (asked.length === 0)
    throw new CommandError('when is it ready?', { where: '--start', fix: '--ready http://127.0.0.1:7001/health' })
  for (const url of asked) await hostIsAllowed(package_, url, allow, '--ready', 'http://127.0.0.1:7001/health')
  const process = new package_.ServiceProcess({ control, ready: asked })
  output.progress('starting the service')
  try {
    await process.start()
  } catch (error) {
    if (!(error instanceof package_.ServiceNotReady)) throw error
    throw new CommandError(`the service did not start: ${error.message}${control.said}`, {
      where: '--start',
      fix: 'start it by hand with that command; --ready names a URL that answers when it can be used',
      cause: error,
    })
  }
  return process
}

function somethingToAttack(
  package_: Verify,
  plan: ServicePlan,
  { receives }: MessageFacts,
  service: Service,
  { transport, push }: VerifyCommandOptions,
): void {
  const road = transport !== undefined || push !== undefined
  const waiting = receives.map((one) => [one, package_.messageLeftAlone(one, { road })] as const)
  if (waiting.some(([, why]) => why === undefined)) return
  const reasons = plan.operations.map((operation) => [operation, package_.leftAlone(operation)] as const)
  if (reasons.some(([, why]) => why === undefined)) return
  const [first] = [...reasons.filter(([, why]) => why !== 'it only reads'), ...waiting]
  throw new CommandError(`nothing of ${service.name} can be tested`, {
    where:
      first === undefined
        ? service.name
        : `${first[0].ref}, ${shown(first[0].location.file)}:${first[0].location.line}`,
    fix: first === undefined ? 'all of its operations only read' : `${first[1]}. See docs/guarantees/x-probe.md`,
  })
}

/** What is only planned has nothing to report yet. */
function nothingToWrite({ html, scripts: folder, history, ledger, format }: VerifyCommandOptions): void {
  const given = Object.entries({ '--html': html, '--scripts': folder, '--history': history, '--ledger': ledger })
  const [option] = given.find(([, value]) => value !== undefined) ?? []
  const report = format !== undefined && format !== 'human' && format !== 'json' ? `--format ${format}` : undefined
  const named = option ?? report
  if (named === undefined) return
  throw new CommandError(`--dry-run sends nothing, so there is nothing to write for ${named}`, {
    fix: 'leave one of them out; --dry-run --json has the plan for machines',
  })
}

function dryRun(
  package_: Verify,
  plan: ServicePlan,
  facts: MessageFacts,
  profile: Profile,
  options: VerifyCommandOptions,
  output: Output,
): ExitCode {
  const instances = options.url ?? ['http://127.0.0.1']
  const attacked = plan.operations.filter((operation) => package_.leftAlone(operation) === undefined)
  const planned = attacked.map((operation) =>
    package_.planOperation(
      operation,
      {
        instances,
        callers: callersOf(options.caller),
        ...tenantOf(options),
        // What is only planned opens no port.
        dependencies: dependenciesOf(options.dependency) as unknown as never[],
        siblings: attacked.filter((one) => one !== operation),
        leftOut: plan.leftOut,
        schemas: plan.schemas,
        ...(options.start !== undefined && { process: {} as unknown as never }),
      },
      profile,
    ),
  )
  const alone_ = plan.operations
    .map((operation) => ({ ref: operation.ref, why: package_.leftAlone(operation) }))
    .filter(({ why }) => why !== undefined)
  const messagesPlanned = plannedMessages(package_, facts, options)
  output.document({
    version: 1,
    messages: messagesPlanned.map(({ operation, checks, untested }) => ({
      operation: operation.ref,
      checks,
      untested,
    })),
    plan: planned.map(({ operation, checks, untested }) => ({
      operation: operation.ref,
      oracle: operation.probe.oracle,
      checks,
      untested,
    })),
    completions: facts.completions.map((one) => ({
      operation: one.ref,
      by: one.by,
      checks: package_.completionChecks.filter((check) => check.about(one)).map(({ id }) => id),
    })),
    unwatched: facts.unwatched.map(({ ref, member, why }) => ({ operation: ref, member, why })),
    leftAlone: alone_,
  })
  for (const { operation, checks, untested } of planned) {
    const oracle =
      operation.probe.oracle === 'strong' ? 'effects are counted' : `answers only: ${operation.probe.oracle.weak}`
    output.line(`${operation.ref}  ${output.paint('dim', oracle)}`)
    output.line(`  tests      ${checks.join(', ')}`)
    for (const { check, why } of untested) output.line(`  cannot     ${check}: ${why}`)
  }
  for (const { operation, checks, untested } of messagesPlanned) {
    output.line(`${operation.ref}  ${output.paint('dim', 'receives messages')}`)
    if (checks.length > 0) output.line(`  tests      ${checks.join(', ')}`)
    for (const { check, why } of untested) output.line(`  cannot     ${check === '*' ? '' : `${check}: `}${why}`)
  }
  for (const one of facts.completions) {
    output.line(`${one.ref}  ${output.paint('dim', `completes by ${one.by}`)}`)
    const seen = Object.keys(one.channels).length === 0 || options.transport !== undefined
    const able = package_.completionChecks.filter((check) => check.about(one))
    const checks = able.map(({ id }) => id).join(', ')
    output.line(
      seen ? `  tests      ${checks}` : '  cannot     say where its messages can be seen: --transport postgres://…',
    )
  }
  for (const { ref, member, why } of facts.unwatched) output.line(`${ref}  ${member} is not tested: ${why}`)
  for (const { ref, why } of alone_) output.line(`${ref}  left alone: ${why}`)
  return 0
}

async function again(package_: Verify, file: string, options: VerifyCommandOptions, output: Output): Promise<ExitCode> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(`there is no history ${file}`, {
      where: '--judge',
      fix: 'write one with --history FILE',
      cause: error,
    })
  })
  try {
    return await tell(package_, package_.parseHistory(text), options, output)
  } catch (error) {
    if (!(error instanceof package_.HistoryUnreadable)) throw error
    throw new CommandError(`${file} is no history: ${error.message}`, {
      where: '--judge',
      fix: 'give a file that `verify --history` wrote',
      cause: error,
    })
  }
}

/** Judges, and says it in every way that was asked for. */
async function tell(
  package_: Verify,
  records: readonly HistoryRecord[],
  options: VerifyCommandOptions,
  output: Output,
): Promise<ExitCode> {
  const report = package_.judge(records)
  if (options.format === undefined || options.format === 'human' || options.format === 'json') {
    if (options.format === 'json' && !output.json) output.text(JSON.stringify(report, null, 2))
    else {
      output.document(report)
      for (const line of package_.reportLines(report, colours(output))) output.line(line)
    }
  } else if (options.format === 'junit' && !output.json) {
    output.text(package_.junitReport(report))
  } else {
    const tested = new Set(report.results.flatMap(({ checks }) => checks.map(({ check }) => check)))
    await printReport(output, options, {
      command: 'verify',
      findings: package_.findingsOf(report),
      // Only what came to a verdict: a test that was not run has not passed.
      rules: [...package_.checks, ...package_.messageChecks]
        .filter(({ id }) => tested.has(id))
        .map(({ id, member, promise }) => ({
          id,
          severity: 'error',
          area: member,
          law: promise,
          fix: 'see docs/verify/checks.md',
        })),
    })
  }
  await writeEvidence(package_, report, records, options)
  const untried = notTried(report, options)
  if (untried !== undefined) output.note(untried)
  const code = exitOf(report, options)
  return untried !== undefined && code === 0 ? 3 : code
}

/** What was to be repeated and could not be: its finding has not gone. */
function notTried({ results }: VerifyReport, { repeat, judge }: VerifyCommandOptions): string | undefined {
  if (repeat === undefined || judge !== undefined) return undefined
  const check = repeat.slice(repeat.lastIndexOf('/') + 1)
  if (results.some(({ checks }) => checks.some((one) => one.check === check))) return undefined
  const why = results.flatMap(({ untested }) => untested).find((one) => one.check === check)?.why
  return `${repeat} was not tried: ${why ?? 'it is no test of this operation; --dry-run lists those that are'}`
}

function exitOf(report: VerifyReport, options: VerifyCommandOptions): ExitCode {
  const verdicts = report.results.map(({ verdict }) => verdict)
  if (verdicts.includes('FAIL')) return 1
  // Whatever it was that ended it: that is nothing to allow.
  if (report.stopped !== undefined) return 3
  // A service that is not running has not passed, whatever is allowed.
  if (report.guarantees.tested === 0) return 3
  const unsure = verdicts.some((verdict) => verdict === 'WEAK' || verdict === 'INCONCLUSIVE')
  return unsure && options.allowInconclusive !== true ? 3 : 0
}

function colours(output: Output): Colour {
  const styles = { good: 'green', bad: 'red', unsure: 'yellow', dim: 'dim' } as const
  return (mark, text) => output.paint(styles[mark], text)
}
