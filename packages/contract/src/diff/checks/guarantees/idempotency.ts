import type { KeyGuarantee } from '../../../model/guarantees.ts'
import type { Comparison } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, expressionText, guaranteeReporter, samePlace } from './guarantee-pair.ts'

export const idempotencyRules = {
  'idempotency-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'a retry that was safe can take effect twice, or is no longer answered as the first was',
    why: 'Callers and producers repeat what failed because the contract says that they may. A shorter retention ends that earlier than their last retry; without the guarantee every retry is a risk.',
    fix: 'keep the guarantee; a longer retention and `onOverlap: wait` are always allowed',
  },
  'idempotency-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'a retry that was a risk is safe now, or for longer',
    why: 'Nobody has to do anything for it.',
    fix: 'nothing to do',
  },
  'idempotency-key-required': {
    area: 'guarantee',
    level: 'breaking',
    law: 'a caller that sends no key is refused where the key became required',
    why: 'A missing key is answered with 400. Callers that exist do not send one.',
    fix: 'begin with `required: false`; require the key when everybody sends it',
  },
  'idempotency-key-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'what makes two attempts one has changed, so that a retry is no longer seen as one, or two requests are taken for one',
    why: 'That is so for the place of the key, for its scope, and for what of the payload has to be the same.',
    fix: 'keep the key, its scope and its fingerprint; a new operation can have others',
  },
} as const satisfies Record<string, DiffRule>

export function checkIdempotency(pair: GuaranteePair, comparison: Comparison): void {
  const report = guaranteeReporter(idempotencyRules, 'idempotency', pair, comparison)
  const [had, has] = [promise(pair, 0), promise(pair, 1)]
  const [before, after] = [text(had), text(has)]
  if (typeof had === 'object' && typeof has === 'object') {
    compareKeys(had, has, pair, comparison)
  } else if (before === after) return
  else if (had === 'none') {
    report('idempotency-strengthened', '', `${after} is promised now`, before, after)
    if (typeof has === 'object' && has.required) keyRequired(pair, has, comparison)
  } else if (has === 'none') report('idempotency-weakened', '', `${before} is no longer promised`, before, after)
  else if (has === 'natural') {
    report('idempotency-strengthened', '', 'it is natural now: no key is needed', before, after)
  } else {
    // Natural to keyed: what needed nothing needs a key, and forgets it.
    report('idempotency-weakened', '', `it was natural, and is kept by ${after} now`, before, after)
    if (typeof has === 'object' && has.required) keyRequired(pair, has, comparison)
  }
}

type Promised = 'natural' | 'none' | KeyGuarantee

function promise(pair: GuaranteePair, side: 0 | 1): Promised {
  const one = side === 0 ? pair.base : pair.revision
  return declared(pair, 'idempotency')[side] || one.natural ? one.values.idempotency : 'none'
}

function text(promised: Promised): string {
  return typeof promised === 'string' ? promised : `the key ${expressionText(promised.key)}`
}

function keyRequired(pair: GuaranteePair, key: KeyGuarantee, comparison: Comparison): void {
  // A producer sets the key of its own messages; what a message lacks its schema tells.
  if (pair.kind === 'send') return
  const report = guaranteeReporter(idempotencyRules, 'idempotency', pair, comparison)
  report('idempotency-key-required', 'required', `the key ${expressionText(key.key)} is required now`, false, true)
}

/** Which outcomes a retry gets again: `success` ⊂ `final` ⊂ `all`. */
const remembered = ['success', 'final', 'all']

function compareKeys(had: KeyGuarantee, has: KeyGuarantee, pair: GuaranteePair, comparison: Comparison): void {
  const report = guaranteeReporter(idempotencyRules, 'idempotency', pair, comparison)
  for (const [part, before, after] of [
    ['key', expressionText(had.key), expressionText(has.key)],
    ['scope', scopeText(had.scope), scopeText(has.scope)],
    ['fingerprint', expressionText(had.fingerprint), expressionText(has.fingerprint)],
  ] as const) {
    if (!samePlace(before, after)) {
      report('idempotency-key-changed', part, `${part} is ${after} now, and was ${before}`, before, after)
    }
  }
  if (!had.required && has.required) keyRequired(pair, has, comparison)
  if (had.required && !has.required) {
    report('idempotency-strengthened', 'required', 'a request without a key is accepted now', true, false)
  }
  if (had.retentionMs !== has.retentionMs) {
    const [before, after] = [duration(had.retentionMs), duration(has.retentionMs)]
    const shorter = has.retentionMs < had.retentionMs
    const message = `keys are remembered for ${after} now, and were for ${before}`
    report(shorter ? 'idempotency-weakened' : 'idempotency-strengthened', 'retention', message, before, after)
  }
  if (had.onOverlap !== has.onOverlap) {
    const [id, message] =
      has.onOverlap === 'reject'
        ? (['idempotency-weakened', 'a second copy gets 409 now, and got the outcome of the first'] as const)
        : (['idempotency-strengthened', 'a second copy gets the outcome of the first now, and got 409'] as const)
    report(id, 'onOverlap', message, had.onOverlap, has.onOverlap)
  }
  if (had.onMismatch !== has.onMismatch) {
    const message =
      has.onMismatch === 'reject'
        ? 'the same key with another payload is refused now, and was answered as the first'
        : 'the same key with another payload is answered as the first now, and was refused'
    report('idempotency-weakened', 'onMismatch', message, had.onMismatch, has.onMismatch)
  }
  if (had.remembers !== has.remembers) {
    // More is not always better: `all` makes a failure stick that a retry could have healed.
    const more = remembered.indexOf(has.remembers) > remembered.indexOf(had.remembers)
    const id = more && has.remembers !== 'all' ? 'idempotency-strengthened' : 'idempotency-weakened'
    const message = `outcomes remembered: ${has.remembers} now, and were ${had.remembers}`
    report(id, 'remembers', message, had.remembers, has.remembers)
  }
}

function scopeText(scope: KeyGuarantee['scope']): string {
  return typeof scope === 'string' ? scope : `by ${expressionText(scope.by)}`
}
