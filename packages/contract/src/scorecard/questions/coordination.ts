import { changesState, nameOf } from '../../rules/operations.ts'
import type { Edge } from '../edges.ts'
import { type Judgement, no, type Question, type Scoring, yes } from '../question.ts'

export const coordination: Question = {
  number: 5,
  id: 'coordination',
  title: 'coordination named and owned',
  asks: 'Does each side have an owner, and does work that crosses services belong to a workflow with an owner?',
  proofs: () => [],
  judge(edge, scoring) {
    const owners = unowned(edge, scoring)
    if (owners !== undefined) return owners
    const against = scoring.violation(edge, 'compensation-exists')
    if (against !== undefined) return against
    const process = processOf(edge)
    if (process === undefined) return unnamed(edge, scoring) ?? owned(edge, 'no process over several services')
    const workflow = scoring.system.workflows[process.name]
    if (workflow === undefined || workflow.owner.trim() === '') {
      const text = workflow === undefined ? 'is no workflow of the system' : 'has no owner'
      return no(
        `\`${process.name}\` ${text}`,
        process.at,
        `write \`workflows: { ${process.name}: { coordination: …, owner: … } }\``,
      )
    }
    return yes(`part of ${workflow.name}: ${workflow.coordination}, owned by ${workflow.owner}`, workflow.location)
  },
}

function unowned({ provider, consumer }: Edge, { violations }: Scoring): Judgement | undefined {
  const found = violations('integration-has-owner').find(({ subject }) =>
    [provider?.name, consumer?.name].includes(subject),
  )
  return found === undefined ? undefined : no(found.message, found.at, found.fix)
}

/** Whoever does the work says which process it is part of; a sender may say it for those that do not. */
function processOf(edge: Edge): { readonly name: string; readonly at: Edge['location'] } | undefined {
  const sides = edge.kind === 'call' ? [edge.operation] : [edge.receive, edge.send]
  const found = sides.find((one) => one?.integration?.process !== undefined)?.integration
  return found?.process === undefined ? undefined : { name: found.process, at: found.location }
}

/** One hop is no process; the third service makes it one. */
function unnamed(edge: Edge, { handovers: all }: Scoring): Judgement | undefined {
  const { provider, consumer } = edge
  if (provider === undefined || consumer === undefined) return undefined
  if (edge.kind === 'call' && !changesState(edge.operation)) return undefined
  const [from, to] = edge.kind === 'call' ? [consumer.name, provider.name] : [provider.name, consumer.name]
  if (!all.some((one) => one.from === from && one.to === to)) return undefined
  const chained = all.some((one) => (one.from === to && one.to !== from) || (one.to === from && one.from !== to))
  if (!chained) return undefined
  const subject = edge.kind === 'call' ? nameOf(edge.operation) : edge.name
  return no(
    `${subject} is a step of a chain over three or more services, and no workflow names it`,
    edge.location,
    'add a workflow, and name it in `x-integration: { process: … }` of each step',
  )
}

function owned({ provider, consumer }: Edge, text: string): Judgement {
  const owners = [provider, consumer].flatMap((one) => (one?.owner === undefined ? [] : [one.owner]))
  const place = (provider?.external === true ? consumer : provider)?.location ?? consumer?.location
  return yes(owners.length > 0 ? `owned by ${[...new Set(owners)].join(' and ')}; ${text}` : text, place)
}
