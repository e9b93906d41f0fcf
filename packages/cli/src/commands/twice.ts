import type { ReadTrial, TwiceReport } from '@spandrel/verify'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count, table } from '../output/table.ts'
import { command, type CommonOptions } from '../program.ts'

interface TwiceCommandOptions extends CommonOptions {
  url?: string
  method?: string
  header?: string[]
  data?: string
  changedData?: string
  keyHeader?: string
  allow?: string[]
  timeout?: string
}

const several = (value: string, before: string[] = []): string[] => [...before, value]

export const twice = command<TwiceCommandOptions>({
  usage: 'twice [curl...]',
  summary: 'send any request twice, and say what came back',
  description:
    'What happens if this endpoint receives the same request twice? Sends it twice in sequence, twice at once, and once ' +
    'with the body changed under the same key; with and without an Idempotency-Key header. Needs no contract. ' +
    'It really sends those requests, about ten: use a system that is meant for tests. `{{unique}}` in URL, headers or data becomes ' +
    'another value for each pair. Exits 1 where even with a key a second request made a second thing.',
  options: [
    new Option('--url <url>', 'the address, where no curl line is given'),
    new Option('--method <method>', 'GET, POST, … (default: POST where there is data)'),
    new Option('--header <line>', "'Name: value'; may be given several times").argParser(several),
    new Option('--data <text>', 'the body; @file reads it from a file'),
    new Option('--changed-data <text>', 'the changed body (default: one value is changed)'),
    new Option('--key-header <name>', 'the header that carries the key (default: Idempotency-Key)'),
    new Option('--allow <host>', 'a host that is not this machine and may be called').argParser(several),
    new Option('--timeout <seconds>', 'how long to wait for an answer (default: 30)'),
  ],
  examples: [
    ['twice -- curl -X POST http://127.0.0.1:3000/orders --json \'{"sku":"tea"}\'', 'a pasted curl line'],
    [
      "twice --url http://127.0.0.1:3000/orders --header 'Content-Type: application/json' --data @order.json",
      'piece by piece',
    ],
    ['twice --allow staging.example.com -- curl https://staging.example.com/orders -d sku=tea', 'another machine'],
  ],
  async run(options, words, output) {
    const verify = await import('@spandrel/verify')
    const timeoutMs = seconds(options.timeout)
    try {
      const request = await verify.readCurl(words.length > 0 ? joined(words, options) : pieces(options))
      const report = await verify.twice(request, {
        insecure: request.insecure,
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(options.keyHeader !== undefined && { keyHeader: options.keyHeader }),
        ...(options.changedData !== undefined && { changedBody: options.changedData }),
        ...(options.allow !== undefined && { allow: options.allow }),
        onTrial: (text) => output.progress(`${request.method} ${new URL(request.url).pathname}: ${text}`),
      })
      output.progress('')
      show(report, output)
      if (report.verdict === 'failed') {
        // With --json the report is the one document, and says so itself.
        if (output.json) return 2
        throw new CommandError('there is nothing to compare: not one request succeeded', {
          where: `${report.request.method} ${report.request.url}`,
          fix: why(report),
        })
      }
      return report.verdict === 'unsafe' ? 1 : 0
    } catch (error) {
      if (!(error instanceof verify.RequestUnclear)) throw error
      throw new CommandError(error.message, { fix: error.fix, cause: error })
    }
  },
})

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (value > 0 && value <= 3600) return value * 1000
  throw new CommandError(`--timeout ${text} is no number of seconds`, { where: '--timeout', fix: 'write --timeout 10' })
}

/** The curl line, then what the flags add to it. */
function joined(words: readonly string[], options: TwiceCommandOptions): string[] {
  const { url, data, method, header = [] } = options
  if (url !== undefined || data !== undefined) {
    throw new CommandError('there is a curl line and also --url or --data', {
      fix: 'give one of the two: what stands behind `--` is the whole request',
    })
  }
  return [...words, ...(method === undefined ? [] : ['-X', method]), ...header.flatMap((line) => ['-H', line])]
}

function pieces({ url, method, header = [], data }: TwiceCommandOptions): string[] {
  if (url === undefined) {
    throw new CommandError('there is no request to send', {
      fix: "paste a curl line behind `--`: spandrel twice -- curl -X POST http://127.0.0.1:3000/orders --json '{…}'",
    })
  }
  const body = data === undefined ? [] : ['--data-binary', data]
  // A body that looks like JSON is JSON; curl would call it a form.
  const json = /^\s*[[{]/.test(data ?? '') && !header.some((line) => /^content-type\s*:/i.test(line))
  const headers = json ? [...header, 'Content-Type: application/json'] : header
  return [url, ...(method === undefined ? [] : ['-X', method]), ...headers.flatMap((line) => ['-H', line]), ...body]
}

const titles = { sequence: 'one after the other', 'at-once': 'both at once', 'changed-body': 'the body changed' }

function show(report: TwiceReport, output: Output): void {
  output.document({ ...report, withoutKey: report.withoutKey.map(plain), withKey: report.withKey.map(plain) })
  output.line(`${report.request.method} ${report.request.url}   ${count(report.sent, 'request')}`)
  const rows = (trials: readonly ReadTrial[]): string[][] =>
    trials.map((one) => [titles[one.trial.name], one.statuses.join(', '), colour(one, output)])
  const all = table([...rows(report.withoutKey), ...rows(report.withKey)], { indent: 2 })
  output.line('\nWithout a key')
  for (const line of all.slice(0, report.withoutKey.length)) output.line(line)
  output.line(`\nWith ${report.keyHeader}`)
  for (const line of all.slice(report.withoutKey.length)) output.line(line)
  if (report.unchanged !== undefined) output.line(`  the body changed     not tried: ${report.unchanged}`)
  output.line()
  for (const sentence of report.conclusion) output.line(sentence)
}

function colour({ reading, words }: ReadTrial, output: Output): string {
  if (reading === 'doubled') return output.paint('red', words)
  return reading === 'once' ? words : output.paint('yellow', words)
}

/** For programs: what was sent and came back, without the bytes of the connection. */
function plain({ trial, statuses, reading, words, ids }: ReadTrial): object {
  return {
    trial: trial.name,
    ...(trial.key !== undefined && { key: trial.key }),
    overlapped: trial.overlapped,
    ...(trial.changed !== undefined && { changed: trial.changed }),
    statuses,
    reading,
    words,
    ...(ids !== undefined && { ids }),
    answers: trial.exchanges.map(({ outcome }) =>
      outcome.kind === 'answer' ? outcome.answer : { [outcome.kind]: outcome.why },
    ),
  }
}

function why(report: TwiceReport): string {
  const status = report.withKey[0]?.statuses[0] ?? '-'
  if (status === '401' || status === '403') return 'the caller was refused: add its credentials with -H'
  if (status === '404' || status === '405') return 'check method and path'
  if (status.startsWith('3')) return 'give the address that it redirects to: redirects are not followed, -L is ignored'
  if (status === '-') return 'is the server running, and is this its port?'
  if (status.startsWith('4')) return 'send it once with curl and mend what the answer complains about'
  return 'the log of the server says why'
}
