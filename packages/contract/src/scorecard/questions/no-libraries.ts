import { no, type Question, yes } from '../question.ts'

export const noLibraries: Question = {
  number: 8,
  id: 'no-libraries',
  title: 'no required libraries',
  asks: 'Can the contract be used with what every language has, without code of the other side?',
  proofs: () => [],
  anyRun: 'passed',
  judge(edge, { clientLibraries, manifests }) {
    const { consumer, provider } = edge
    // Code is shared in either direction: the side that depends on the other's is the one that is bound.
    const shared = clientLibraries.find(
      (one) =>
        (one.consumer === consumer?.name && one.provider === provider?.name) ||
        (one.consumer === provider?.name && one.provider === consumer?.name),
    )
    if (shared !== undefined) {
      return no(
        `\`${shared.consumer}\` is built with \`${shared.library}\`, which is code of \`${shared.provider}\``,
        shared.at,
        'generate a client from the contract, and remove the dependency',
      )
    }
    const [manifest] = consumer === undefined ? [] : manifests(consumer)
    if (manifest !== undefined && provider !== undefined) {
      return yes(`nothing of ${provider.name} is in the dependencies of ${consumer?.name}`, { file: manifest, line: 1 })
    }
    const wire = edge.kind === 'call' ? 'HTTP' : 'CloudEvents'
    return yes(`${wire}, as the contract describes it; no dependency on the other side’s code was found`, edge.location)
  },
}
