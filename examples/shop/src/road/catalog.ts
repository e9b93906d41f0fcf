import type { Random } from '../shopper/random.ts'

interface Product {
  sku: string
  title: string
  /** cents */
  price: number
  /** how many are on the shelf when the shop opens */
  stock: number
}

/** Enough of nearly everything. Kettles and prints run out, sooner or later by seed. */
export function catalog(random: Random): Product[] {
  return [
    { sku: 'tea', title: 'Tea, 100 g', price: 490, stock: 1_000_000 },
    { sku: 'coffee', title: 'Coffee, 500 g', price: 1290, stock: 1_000_000 },
    { sku: 'mug', title: 'Mug', price: 1450, stock: 1_000_000 },
    { sku: 'honey', title: 'Honey, 250 g', price: 690, stock: 1_000_000 },
    { sku: 'kettle', title: 'Kettle', price: 4900, stock: random.between(30, 60) },
    { sku: 'print', title: 'Print, numbered', price: 12_000, stock: random.between(8, 20) },
  ]
}
