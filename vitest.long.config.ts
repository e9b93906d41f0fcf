import config from './vitest.config.ts'

/** What takes minutes: whole matrices and other people's libraries. `npm run test:long`; CI runs it after `npm test`. */
export default {
  ...config,
  test: {
    ...config.test,
    include: ['{packages,examples}/*/**/*.long.test.ts', 'test/**/*.long.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 120_000,
  },
}
