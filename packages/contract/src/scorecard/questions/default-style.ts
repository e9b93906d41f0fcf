import { no, type Question, yes } from '../question.ts'

export const defaultStyle: Question = {
  number: 1,
  id: 'default-style',
  title: 'a default style, deviations with a reason',
  asks: 'Does the system name a default style, and does every integration that deviates from it say why, and until when?',
  proofs: () => [],
  judge(edge, scoring) {
    const { system } = scoring
    const { style: usual } = system.defaults
    if (usual === undefined) {
      return no(
        'the system names no default style',
        system.location,
        'write `defaults: { style: messaging }` into spandrel.yaml',
      )
    }
    const ends = scoring.violation(edge, 'deviation-ends')
    if (ends !== undefined) return ends
    const { style, reason, location } = edge
    if (style === usual) {
      return yes(
        `${style}, the default of the system`,
        scoring.node(system.file, '/defaults/style')?.at ?? system.location,
      )
    }
    if (reason !== undefined) return yes(`${style}, because ${reason}`, location)
    return no(
      `${style}, and the default is ${usual}: nobody says why`,
      location,
      `write \`x-integration: { style: ${style}, reason: … }\`, on the operation or on \`info\``,
    )
  },
}
