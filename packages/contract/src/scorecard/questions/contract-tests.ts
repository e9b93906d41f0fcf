import { no, type Question } from '../question.ts'

export const contractTests: Question = {
  number: 7,
  id: 'contract-tests',
  title: 'contract tests in CI',
  asks: 'Would CI notice that the code, or a new version of the contract, breaks the other side?',
  proofs: () => [],
  anyRun: 'of any outcome',
  judge(edge, scoring) {
    // What another company runs is not ours to know; what we run against it is.
    const service = edge.provider === undefined || edge.provider.external ? edge.consumer : edge.provider
    const found = service === undefined ? undefined : scoring.contractTests(service)
    if (found !== undefined) return { answer: 'yes', because: [found] }
    return no(
      `no contract test was found in the CI of ${service?.name ?? edge.provider?.name ?? edge.name}`,
      undefined,
      'run `spandrel diff` against the main branch, or `spandrel verify` against the running service, in CI',
    )
  },
}
