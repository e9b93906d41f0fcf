/** What a client gets where no answer of the service can be passed on. */
import { Problem } from '../problem.ts'

export function unreachableProblem(service: string): Problem {
  return new Problem('service-unreachable', {
    detail: `${service} refused the connection; the request was not sent and may be sent again.`,
    headers: ['retry-after', '1'],
  })
}

export function openProblem(service: string, openMs: number): Problem {
  return new Problem('service-unreachable', {
    detail: `${service} failed too often just before and is left alone for a moment; the request was not sent and may be sent again.`,
    headers: ['retry-after', secondsOf(openMs)],
  })
}

export function goneProblem(service: string, status: number, openMs: number | undefined): Problem {
  const since = openMs === undefined ? 'then refused the connection' : 'is left alone for a moment'
  return new Problem('service-unreachable', {
    detail: `${service} answered with ${status} and ${since}; the request may be sent again.`,
    headers: ['retry-after', secondsOf(openMs ?? 0)],
  })
}

function secondsOf(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)))
}

export function brokenProblem(service: string, repeatable: boolean): Problem {
  return new Problem('service-failed', {
    detail: repeatable
      ? `${service} broke the exchange off; the request may be sent again.`
      : `${service} broke the exchange off; whether the request had an effect is not known.`,
    ...(repeatable && { headers: ['retry-after', '1'] }),
  })
}
