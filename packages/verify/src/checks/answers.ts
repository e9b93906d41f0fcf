/** What answers promise by themselves: errors, time, correlation, deprecation. */
import { faultMet, hungUpOn, one, type RequestView, statusText, succeeded, turnedAway } from '../history/trial-view.ts'
import { declaredFor, onlyReads, type OperationFacts } from '../plan/operation-facts.ts'
import { type Check, clean, seen, unconfirmed, violated } from './check.ts'
import { effectsAre } from './effects.ts'

const own = (requests: readonly RequestView[], operation: OperationFacts): RequestView[] =>
  requests.filter(({ invoke, answer }) => invoke.ref === operation.ref && answer !== undefined)

export const refusalHasNoEffect: Check = {
  id: 'refusal-effect',
  member: 'errors',
  promise: 'what is refused with 4xx has no effect',
  stimuli: ['refused'],
  about: (operation) => !onlyReads(operation),
  judge: (trial, operation) => {
    const failing = one(trial, 'failing')
    if (failing?.answer === undefined) return unconfirmed(`no answer came (${statusText(failing)})`)
    if (failing.end?.type !== 'fail')
      return unconfirmed(`the input of \`failure\` was answered ${failing.answer.status}, which is no refusal`)
    const counted = effectsAre(0, trial, operation, failing.invoke.marker, [failing])
    if (counted?.kind !== 'violated' && notLookedAt(failing))
      return unconfirmed(`the service had no time for it (${statusText(failing)})`)
    return counted ?? clean(operation)
  },
}

/** A 4xx of a limiter, not of whoever reads the input. */
function notLookedAt(request: RequestView): boolean {
  return turnedAway(request) && request.answer!.status < 500
}

export const invalidInputRefused: Check = {
  id: 'invalid-input',
  member: 'errors',
  promise: 'input that the schema rules out is refused with 4xx and has no effect',
  stimuli: ['wrong-input'],
  about: (operation) => operation.bodySchema !== undefined,
  judge: (trial, operation) => {
    const wrong = one(trial, 'wrong')
    const sent = trial.requests.filter(({ invoke }) => invoke.role === 'wrong')
    if (sent.length > 1 && sent.every(hungUpOn))
      return violated(`${trial.record.about} got no answer, each time: ${statusText(wrong)}`, sent)
    if (wrong?.answer === undefined) return unconfirmed(`no answer came (${statusText(wrong)})`)
    const counted = effectsAre(0, trial, operation, wrong.invoke.marker, [wrong])
    if (wrong.end?.type !== 'fail')
      return violated(`${trial.record.about} was answered ${wrong.answer.status}`, [wrong])
    if (counted?.kind !== 'violated' && notLookedAt(wrong))
      return unconfirmed(`the service had no time for it (${statusText(wrong)})`)
    return counted ?? clean(operation)
  },
}

export const statusDeclared: Check = {
  id: 'declared-status',
  member: 'errors',
  promise: 'every status below 500 is one the contract declares, or one its guarantees stand for',
  stimuli: ['*'],
  needs: ['refused', 'wrong-input'],
  about: () => true,
  judge: (trial, operation) => {
    const answered = own(trial.requests, operation).filter(({ answer }) => answer!.status < 500)
    const wrong = answered.find(({ answer }) => !isDeclared(answer!.status, operation))
    if (wrong !== undefined) return violated(`${wrong.answer!.status} is not declared`, [wrong])
    return answered.length > 0 ? seen : undefined
  },
}

export const shapeDeclared: Check = {
  id: 'declared-shape',
  member: 'errors',
  promise:
    'every answer has the content type, the required headers and the body that the contract declares for its status',
  stimuli: ['*'],
  needs: ['refused', 'wrong-input'],
  about: ({ answers }) => Object.values(answers).some(({ content, required }) => content.length + required.length > 0),
  judge: (trial, operation, { shape }) => {
    const shapes = own(trial.requests, operation).map((request) => ({ request, is: shape(operation, request.answer!) }))
    for (const { request, is } of shapes) {
      if (typeof is === 'object') return violated(`the answer ${request.answer!.status}: ${is.differs}`, [request])
    }
    return shapes.some(({ is }) => is === 'fits') ? seen : undefined
  },
}

export const retryAfterTold: Check = {
  id: 'retry-after',
  member: 'errors',
  promise: 'an answer whose declaration has Retry-After says when to come again',
  stimuli: ['*'],
  unseen: 'no answer had a status whose declaration has Retry-After; what makes it do so is not given',
  about: ({ answers }) => Object.values(answers).some(({ headers }) => headers.includes('retry-after')),
  judge: (trial, operation) => {
    const mine = own(trial.requests, operation).filter(
      ({ answer }) => declaredFor(operation, answer!.status)?.headers.includes('retry-after') === true,
    )
    for (const request of mine) {
      const { status, headers } = request.answer!
      const value = headers['retry-after']
      if (value === undefined) return violated(`${status} came without Retry-After`, [request])
      // RFC 9110, 10.2.3: seconds, or a date.
      if (!/^\d+$/.test(value) && Number.isNaN(Date.parse(value)))
        return violated(`${status} came with Retry-After: ${value}, which is neither seconds nor a date`, [request])
    }
    return mine.length > 0 ? seen : undefined
  },
}

function isDeclared(status: number, { statuses, idempotency }: OperationFacts): boolean {
  const text = String(status)
  if (statuses.some((one) => one === text || one === 'default' || one.toUpperCase() === `${text[0]}XX`)) return true
  // Limits of the road itself, which any server or proxy may answer.
  if ([401, 403, 408, 413, 415, 429, 431].includes(status)) return true
  return typeof idempotency !== 'string' && [400, 409, 422].includes(status)
}

export const noStackTrace: Check = {
  id: 'stack-trace',
  member: 'errors',
  promise: 'no answer shows the inside of the program',
  stimuli: ['*'],
  needs: ['refused', 'wrong-input'],
  about: () => true,
  judge: (trial, operation) => {
    const failed = own(trial.requests, operation).filter(({ answer }) => answer!.status >= 400)
    const telling = failed.find(({ answer }) => showsStack(answer!.body))
    if (telling !== undefined) return violated(`the answer ${telling.answer!.status} shows a stack trace`, [telling])
    return failed.length > 0 ? seen : undefined
  },
}

/** Of JavaScript, Python and Java; in JSON, or in a page, where spaces and lines are written in other ways. */
function showsStack(body: string): boolean {
  const plain = body
    .replaceAll(String.raw`\n`, '\n')
    .replaceAll(/<br\s*\/?>/gi, '\n')
    .replaceAll('&nbsp;', ' ')
  return /\n?\s+at .+[(/].+:\d+:\d+|Traceback \(most recent call last\)|\bat [\w.$]+\([\w]+\.java:\d+\)/.test(plain)
}

/** For clocks and a busy machine: what is promised in seconds is not judged by milliseconds. */
const tolerance = (timeoutMs: number): number => timeoutMs * 1.1 + 100

/** An answer came, and not much too late: a busy machine does that once, a service that keeps no time does it again. */
export function isLateByLittle(tookMs: number, timeoutMs: number): boolean {
  return tookMs > tolerance(timeoutMs) && tookMs <= timeoutMs * 1.5
}

export const answersInTime: Check = {
  id: 'timeout',
  member: 'timeout',
  promise: 'an answer or a failure comes within `timeout`, also when a dependency never answers',
  stimuli: ['*'],
  needs: ['hung'],
  about: (operation) => operation.timeoutMs !== undefined,
  judge: (trial, operation, { lags, retried }) => {
    const { timeoutMs = Infinity } = operation
    const mine = trial.requests.filter(({ invoke }) => invoke.ref === operation.ref)
    for (const request of mine) {
      const { sentAt, lastByteAt, at } = request.end ?? {}
      // One that the client itself gave up says nothing, unless it had the time.
      const took = sentAt === undefined ? 0 : (lastByteAt ?? (request.invoke.role === 'gone' ? sentAt : at!)) - sentAt
      if (took <= tolerance(timeoutMs)) continue
      // A machine that starves this program starves the service too: what it was late by, twice over, is not the service's.
      const late = lags
        .filter((lag) => lag.at >= sentAt! && lag.at - lag.ms <= sentAt! + took)
        .reduce((sum, { ms }) => sum + ms, 0)
      const triedAgain = retried.has(trial.record.trial) && lastByteAt !== undefined
      if (triedAgain && isLateByLittle(took, timeoutMs))
        return unconfirmed(`an answer came after ${Math.round(took)} ms, and it was tried again`)
      if (took - 2 * late > tolerance(timeoutMs))
        return violated(
          `${lastByteAt === undefined ? 'no answer' : 'an answer'} after ${Math.round(took)} ms; ${timeoutMs} ms are promised`,
          [request],
        )
      if (trial.record.stimulus === 'hung')
        return unconfirmed(`this machine was late itself, by ${Math.round(late)} ms`)
    }
    if (trial.record.stimulus !== 'hung') return undefined
    return faultMet(trial) ? seen : undefined
  },
}

export const correlationReturned: Check = {
  id: 'correlation',
  member: 'correlation',
  promise: 'the correlation id of a request comes back with its answer',
  stimuli: ['carried'],
  about: (operation) => operation.correlation !== undefined,
  judge: (trial) => {
    const header = String(trial.record.facts?.['header'])
    for (const request of trial.requests) {
      if (request.answer === undefined) return unconfirmed(`no answer came (${statusText(request)})`)
      const sent = request.invoke.headers.find(([name]) => name.toLowerCase() === header)?.[1]
      const back = request.answer.headers[header]
      if (back !== sent)
        return violated(`${header} was ${sent ?? 'absent'} and came back ${back ?? 'not at all'}`, [request])
    }
    return trial.requests.length > 0 ? seen : unconfirmed('nothing was sent')
  },
}

export const deprecationTold: Check = {
  id: 'deprecation',
  member: 'deprecation',
  promise: 'answers of a deprecated operation say so: Deprecation, and Sunset where there is a date',
  stimuli: ['*'],
  about: (operation) => operation.deprecated || operation.sunset !== undefined,
  judge: (trial, operation) => {
    const answered = own(trial.requests, operation).filter(succeeded)
    for (const request of answered) {
      const { headers } = request.answer!
      if (operation.deprecated && headers['deprecation'] === undefined)
        return violated('there is no Deprecation header', [request])
      if (operation.sunset !== undefined && Date.parse(headers['sunset'] ?? '') !== Date.parse(operation.sunset)) {
        return violated(`Sunset is ${headers['sunset'] ?? 'absent'}; the contract says ${operation.sunset}`, [request])
      }
    }
    return answered.length > 0 ? seen : undefined
  },
}
