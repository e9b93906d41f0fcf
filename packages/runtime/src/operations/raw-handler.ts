/** Handlers without their types: what the map of handlers holds at run time. */
export type RawHandler = RawHandle | { before?: RawBefore | undefined; handle?: RawHandle | undefined }
export type RawHandle = (input: object, context: object) => Promise<unknown>
type RawBefore = (input: object, context: object) => unknown

/** The function that runs in the transaction: the handler, its `handle`, or what its `before` returned. */
export function handleOf(handler: RawHandler, prepared: unknown): RawHandle {
  if (typeof handler === 'function') return handler
  if (handler.handle !== undefined) return handler.handle.bind(handler)
  if (typeof prepared === 'function')
    return (_, context) => (prepared as (context: object) => Promise<unknown>)(context)
  throw new TypeError('a handler without `handle` must return one from `before`')
}
