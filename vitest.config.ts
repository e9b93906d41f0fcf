import { defineConfig } from 'vitest/config'
import LongestFirst from './test/longest-first.ts'

// Packages run from source through an export condition, in vitest and in every process a test starts.
// `spandrel-test` is the test build: the only place where fail points and mutants exist.
const conditions = ['spandrel-test', 'spandrel-source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'examples/*/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    // What takes minutes runs by itself: `npm run test:long`. CI runs both.
    exclude: ['**/node_modules/**', '**/*.long.test.ts'],
    globalSetup: ['test/postgres.ts'],
    reporters: ['default', './test/plain-summary.ts'],
    pool: 'forks',
    execArgv: ['--conditions=spandrel-test', '--conditions=spandrel-source'],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
  },
})
