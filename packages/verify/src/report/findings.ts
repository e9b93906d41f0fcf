import type { Finding } from '@spandrel/contract'
import type { VerifyReport } from '../judge/verdict.ts'
import { said } from './said.ts'

/** Broken guarantees as findings on the contract line that makes the promise; for SARIF and JUnit writers. */
export function findingsOf(report: VerifyReport): Finding[] {
  return report.results.flatMap(({ location, checks }) =>
    checks
      .filter(({ verdict }) => verdict !== 'PASS')
      .map((check): Finding => {
        const [first] = check.counterexamples
        return {
          id: check.check,
          severity: check.verdict === 'FAIL' ? 'error' : 'warning',
          file: location.file,
          line: location.line,
          column: location.column,
          // Where a copy was late by 18 % today and by 25 % tomorrow, it is the same finding.
          fingerprint: check.finding,
          message:
            first === undefined
              ? `${check.ref}, ${check.promise}: ${check.verdict.toLowerCase()}. ${check.notes.join('; ')}`
              : `${check.ref} breaks what it promises: ${check.promise}. ${said(first)}`,
          suggestion:
            first === undefined
              ? 'give the run what it needs to tell'
              : `see it again with spandrel verify --repeat ${check.finding}`,
        }
      }),
  )
}
