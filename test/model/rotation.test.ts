import { memoryStore } from '../../lib/store'
import { fitTheModel, runs } from './fit-the-model'
import { apply, applyTogether, type Operation, type Rules, start } from './rotation-model'
import { accessLife, familyLife, scopes } from './sequence'

test(
  `in memory, rotation and revocation are what the model says, in ${runs} sequences`,
  () => fitTheModel(memoryStore()),
  600_000,
)

test('the model itself refuses what must not happen', () => {
  const rules: Rules = { grace: 0, renews: true, familyLife, accessLife }
  const issued = (refresh: string) => ({ issued: { access: `access of ${refresh}`, refresh } })
  const begun = apply(start, rules, 0, { kind: 'begin', by: 'a', scope: scopes }, issued('one'))
  if (begun === undefined) throw new Error('nothing began')
  const renewal: Operation = { kind: 'renew', by: 'a', token: 'one', scope: undefined }
  const two = { operation: renewal, outcome: issued('two') }
  const three = { operation: renewal, outcome: issued('three') }
  const lost = { operation: renewal, outcome: { refused: 'invalid_grant' } }
  expect(applyTogether([begun], rules, 0, [two, three])).toEqual([])
  expect(applyTogether([begun], rules, 0, [lost, lost])).toEqual([])
  expect(applyTogether([begun], rules, 0, [lost, two])).toHaveLength(1)
})
