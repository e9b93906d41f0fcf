/**
 * Starts the files that take longest first, so that none of them runs alone at the end beside an idle worker. On a
 * fresh clone vitest knows no durations and goes by size. What is not listed comes after, in vitest's own order.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const longest = [
  'contract/test/documents.long.test.ts',
  'shop/test/verify.long.test.ts',
  'cli/test/verify.long.test.ts',
  'verify/test/bugs.long.test.ts',
  'inbox/crash.pg.test.ts',
  'shop/test/shop.test.ts',
  'cli/test/dev.pg.test.ts',
  'audit/audit.pg.test.ts',
  'cli/test/documentation.pg.test.ts',
  'cli/test/embedded.pg.test.ts',
  'cli/test/messages.pg.test.ts',
  'cli/test/command-line.test.ts',
  'cli/test/contracts.pg.test.ts',
]

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex((end) => moduleId.endsWith(end))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
