/** Freezes a value and everything in it. The model is shared by many readers; none may change it. */
export function deepFreeze<T>(value: T): T {
  const stack: unknown[] = [value]
  for (let next = stack.pop(); stack.length > 0 || next !== undefined; next = stack.pop()) {
    if (typeof next !== 'object' || next === null || Object.isFrozen(next)) continue
    Object.freeze(next)
    stack.push(...Object.values(next))
  }
  return value
}
