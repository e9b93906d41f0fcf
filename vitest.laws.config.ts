import { lawFiles } from './test/laws.ts'
import config from './vitest.config.ts'

/** The tests that hold the ten laws, on the server that the environment names: test/run-laws.ts. */
export default { ...config, test: { ...config.test, include: [...lawFiles] } }
