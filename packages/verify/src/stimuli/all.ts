import { crash } from './crash.ts'
import { kept, mismatch, missingKey, otherCaller, otherOperation, otherScope, reformatted } from './keys.ts'
import { burst, instances, late, sequence, stalledOverlap } from './repeat.ts'
import { due, planted } from './retention.ts'
import type { Stimulus } from './stimulus.ts'
import { carried, clientAbort, hung, refused, transientFailure, wrongInput } from './trouble.ts'

/** In the order they are run; the planted key first, so that it is as old as it can be. */
export const stimuli: readonly Stimulus[] = [
  planted,
  kept,
  burst,
  late,
  sequence,
  instances,
  mismatch,
  reformatted,
  otherOperation,
  otherCaller,
  otherScope,
  missingKey,
  clientAbort,
  refused,
  wrongInput,
  carried,
  transientFailure,
  stalledOverlap,
  due,
  hung,
  crash,
]
