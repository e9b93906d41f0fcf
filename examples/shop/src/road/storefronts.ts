import { STOREFRONTS } from '../shopper/purchase.ts'

/** What the storefronts of this example send as X-Api-Key; storefronts.yaml has the hashes. */
export const API_KEYS: readonly string[] = STOREFRONTS.map((name) => `example-key-of-${name}`)
