import type { Question } from '../question.ts'
import { contractTests } from './contract-tests.ts'
import { coordination } from './coordination.ts'
import { correlation } from './correlation.ts'
import { defaultStyle } from './default-style.ts'
import { failures } from './failures.ts'
import { formalContract } from './formal-contract.ts'
import { idempotency } from './idempotency.ts'
import { keyWrittenDown } from './key-written-down.ts'
import { noLibraries } from './no-libraries.ts'
import { push } from './push.ts'

/** The ten, in their order. */
export const questions: readonly Question[] = [
  defaultStyle,
  idempotency,
  keyWrittenDown,
  failures,
  coordination,
  formalContract,
  contractTests,
  noLibraries,
  push,
  correlation,
]
