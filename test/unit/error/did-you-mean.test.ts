import { didYouMean } from '../../../lib/error/did-you-mean'

test.each([
  ['MandateMutualSSl', 'MandateMutualSSL'],
  ['mandatemutualssl', 'MandateMutualSSL'],
  ['MandateMutaulSSL', 'MandateMutualSSL'],
  ['prot', 'port'],
  ['por', 'port'],
  ['ports', 'port'],
])('%s means %s', (word, meant) => {
  expect(didYouMean(word, ['MandateMutualSSL', 'port', 'hostname'])).toBe(meant)
})

test.each(['certificate', 'x', '', 'p'.repeat(100_000)])('%.20s means nothing known', (word) => {
  expect(didYouMean(word, ['port', 'hostname'])).toBeUndefined()
})

test('of two, the nearer one is meant', () => {
  expect(didYouMean('failure', ['failed', 'failures'])).toBe('failures')
})
