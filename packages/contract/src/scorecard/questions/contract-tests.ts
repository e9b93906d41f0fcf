import { no, type Question } from '../question.ts'

export const contractTests: Question = {
  number: 7,
  id: 'contract-tests',
  title: 'contract tests in CI',
  asks: 'Would CI notice that the code, or a new version of the contract, breaks the other side?',
  proofs: () => [],
  anyRun: 'of any outcome',
  judge(edge, scoring) {
    const found = scoring.contractTests(edge)
    if (found !== undefined) return { answer: 'yes', because: found }
    const service = edge.provider === undefined || edge.provider.external ? edge.consumer : edge.provider
    return no(
      `no contract test ${edge.kind === 'message' ? 'of messages ' : ''}was found in the CI of ${service?.name ?? edge.provider?.name ?? edge.name}`,
      undefined,
      `run \`spandrel diff\` against the main branch, or \`spandrel verify${edge.kind === 'message' ? ' --transport' : ''}\` against the running service, in CI`,
    )
  },
}
