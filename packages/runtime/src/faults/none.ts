/**
 * Fail points and mutants exist in the test build only (export condition `spandrel-test`, see test-build.ts).
 * This is what everybody else runs: nothing.
 */
export type MutantName =
  | 'keys-off'
  | 'delete-before-confirm'
  | 'settle-before-commit'
  | 'any-record-suppresses'
  | 'order-off'
  | 'publish-after-commit'

export const faults = {
  /** A named place where a test may kill, freeze or delay this process. */
  point(_name: string): void | Promise<void> {},
  /** Whether a deliberate defect is switched on. */
  mutant(_name: MutantName): boolean {
    return false
  },
}
