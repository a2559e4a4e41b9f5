import type { Account, AccountStore, Session } from '../account/account-store'
import type { Engine } from './engine'
import { rowOf, run, type Steps, statement } from './statement'
import { type AccountRow, columns } from './tables'

export function sqlAccounts(engine: Engine): AccountStore {
  const { db } = engine

  const findByName = statement((values: { username: string }) =>
    db.selectFrom('account').select(columns.account).where('username', '=', values.username),
  )
  const findById = statement((values: { account_id: string }) =>
    db.selectFrom('account').select(columns.account).where('account_id', '=', values.account_id),
  )
  const insert = statement((values: AccountRow) =>
    db
      .insertInto('account')
      .values(rowOf(values, columns.account))
      .onConflict((on) => on.doNothing())
      .returning('account_id'),
  )
  const putPassword = statement((values: { username: string; password: string }) =>
    db
      .updateTable('account')
      .set({ password: values.password })
      .where('username', '=', values.username)
      .returning('account_id'),
  )
  const putDisabled = statement((values: { username: string; disabled: number }) =>
    db
      .updateTable('account')
      .set({ disabled: values.disabled })
      .where('username', '=', values.username)
      .returning('account_id'),
  )
  const revokeGrants = statement((values: { account_id: string; now: number }) =>
    db
      .updateTable('grant')
      .set({ revoked: values.now })
      .where('sub', '=', values.account_id)
      .where('revoked', 'is', null),
  )
  const removeCodes = statement((values: { account_id: string }) =>
    db.deleteFrom('code').where('sub', '=', values.account_id),
  )
  const removeSessions = statement((values: { account_id: string }) =>
    db.deleteFrom('session').where('account_id', '=', values.account_id),
  )
  const insertSession = statement((values: Session) =>
    db.insertInto('session').values(rowOf(values, columns.session)),
  )
  const findSession = statement((values: { digest: string; now: number }) =>
    db
      .selectFrom('session')
      .select(columns.session)
      .where('digest', '=', values.digest)
      .where('expires', '>', values.now),
  )
  const deleteSession = statement((values: { digest: string }) =>
    db.deleteFrom('session').where('digest', '=', values.digest).returning('digest'),
  )

  function* inserting(account: Account): Steps<boolean> {
    const [inserted] = yield* run(insert, { ...account, disabled: Number(account.disabled) })
    return inserted !== undefined
  }

  function* settingPassword(username: string, password: string, now: number): Steps<boolean> {
    const [account] = yield* run(putPassword, { username, password })
    if (account === undefined) return false
    yield* endingAll(account.account_id, now)
    return true
  }

  function* settingDisabled(username: string, disabled: boolean, now: number): Steps<boolean> {
    const [account] = yield* run(putDisabled, { username, disabled: Number(disabled) })
    if (account === undefined) return false
    if (disabled) yield* endingAll(account.account_id, now)
    return true
  }

  function* endingAll(account_id: string, now: number): Steps<void> {
    yield* run(revokeGrants, { account_id, now })
    yield* run(removeCodes, { account_id })
    yield* run(removeSessions, { account_id })
  }

  return {
    findAccount: async (username) => accountOf(await engine.ask(findByName, { username })),
    findAccountById: async (account_id) => accountOf(await engine.ask(findById, { account_id })),
    insertAccount: (account) => engine.change(() => inserting(account)),
    setPassword: (username, password, now) =>
      engine.change(() => settingPassword(username, password, now)),
    setDisabled: (username, disabled, now) =>
      engine.change(() => settingDisabled(username, disabled, now)),
    async insertSession(session) {
      await engine.write(insertSession, session)
    },
    async findSession(digest, now) {
      const [session] = await engine.ask(findSession, { digest, now })
      return session
    },
    async deleteSession(digest) {
      const [removed] = await engine.write(deleteSession, { digest })
      return removed !== undefined
    },
  }
}

function accountOf([row]: readonly AccountRow[]): Account | undefined {
  return row === undefined ? undefined : { ...row, disabled: row.disabled !== 0 }
}
