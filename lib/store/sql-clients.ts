import type { ClientRecord, ClientStore, ClientUse, RegistrationRoom } from '../client/client-store'
import { whenThere } from '../client/maybe-promise'
import { certificateRow, clientOf, clientRow, clientsOf, secretRow } from './client-rows'
import type { Engine } from './engine'
import { rowOf, run, type Steps, statement } from './statement'
import { type CertificateRow, type ClientRow, columns, type SecretRow } from './tables'
import { latestUses, slices } from './uses'

export function sqlClients(engine: Engine): Omit<ClientStore, 'version' | 'groupClients'> {
  const { db } = engine

  const joined = () =>
    db
      .selectFrom('client')
      .leftJoin('client_secret', 'client_secret.client_id', 'client.client_id')
      .leftJoin('client_certificate', 'client_certificate.client_id', 'client.client_id')
      .select(columns.client.map((column) => `client.${column}` as const))
      .select([
        'client_secret.digest',
        'client_secret.created as secret_created',
        'client_secret.expires as secret_expires',
        'client_secret.last_used as secret_last_used',
        'client_certificate.thumbprint',
        'client_certificate.der',
        'client_certificate.subject',
        'client_certificate.not_after',
        'client_certificate.last_used as certificate_last_used',
      ])
  const find = statement((values: { client_id: string }) =>
    joined().where('client.client_id', '=', values.client_id),
  )
  const list = statement(() => joined().orderBy('client.created').orderBy('client.client_id'))
  const registered = statement((values: { thumbprint: string }) =>
    db
      .selectFrom('client_certificate')
      .select('thumbprint')
      .where('thumbprint', '=', values.thumbprint)
      .limit(1),
  )
  const insert = statement((values: ClientRow) =>
    db
      .insertInto('client')
      .values(rowOf(values, columns.client))
      .onConflict((on) => on.column('client_id').doNothing())
      .returning('client_id'),
  )
  const countRegistered = statement((values: { since: number }) =>
    db
      .selectFrom('client')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .where('registration', 'is not', null)
      .where('created', '>', values.since),
  )
  const update = statement((values: ClientRow) =>
    db
      .updateTable('client')
      .set(rowOf(values, columns.client))
      .where('client_id', '=', values.client_id),
  )
  const remove = statement((values: { client_id: string }) =>
    db.deleteFrom('client').where('client_id', '=', values.client_id).returning('client_id'),
  )
  // A use that is recorded meanwhile must not be undone, so what stays keeps its last_used.
  const putSecret = statement((values: SecretRow) =>
    db
      .insertInto('client_secret')
      .values(rowOf(values, columns.client_secret))
      .onConflict((on) =>
        on
          .columns(['client_id', 'digest'])
          .doUpdateSet({ created: values.created, expires: values.expires }),
      ),
  )
  const removeSecret = statement((values: { client_id: string; digest: string }) =>
    db
      .deleteFrom('client_secret')
      .where('client_id', '=', values.client_id)
      .where('digest', '=', values.digest),
  )
  const putCertificate = statement((values: CertificateRow) =>
    db
      .insertInto('client_certificate')
      .values(rowOf(values, columns.client_certificate))
      .onConflict((on) => on.columns(['client_id', 'thumbprint']).doNothing()),
  )
  const removeCertificate = statement((values: { client_id: string; thumbprint: string }) =>
    db
      .deleteFrom('client_certificate')
      .where('client_id', '=', values.client_id)
      .where('thumbprint', '=', values.thumbprint),
  )
  const secretUsed = statement((values: { client_id: string; digest: string; at: number }) =>
    db
      .updateTable('client_secret')
      .set({ last_used: values.at })
      .where('client_id', '=', values.client_id)
      .where('digest', '=', values.digest)
      .where((on) => on.or([on('last_used', 'is', null), on('last_used', '<', values.at)])),
  )
  const certificateUsed = statement(
    (values: { client_id: string; thumbprint: string; at: number }) =>
      db
        .updateTable('client_certificate')
        .set({ last_used: values.at })
        .where('client_id', '=', values.client_id)
        .where('thumbprint', '=', values.thumbprint)
        .where((on) => on.or([on('last_used', 'is', null), on('last_used', '<', values.at)])),
  )

  function* inserting(record: ClientRecord): Steps<boolean> {
    const [inserted] = yield* run(insert, clientRow(record))
    if (inserted === undefined) return false
    yield* putting(record.client_id, record)
    return true
  }

  function* registering(
    record: ClientRecord,
    { all, lately, since }: RegistrationRoom,
  ): Steps<Awaited<ReturnType<ClientStore['insertRegistered']>>> {
    const [total] = yield* run(countRegistered, { since: -1 })
    if (Number(total?.count) >= all) return 'too_many'
    const [recent] = yield* run(countRegistered, { since })
    if (Number(recent?.count) >= lately) return 'too_many_lately'
    return (yield* inserting(record)) ? undefined : 'taken'
  }

  function* putting(
    client_id: string,
    { secrets, certificates }: Pick<ClientRecord, 'secrets' | 'certificates'>,
  ): Steps<void> {
    for (const secret of secrets) yield* run(putSecret, secretRow(client_id, secret))
    for (const certificate of certificates) {
      yield* run(putCertificate, certificateRow(client_id, certificate))
    }
  }

  function* changing(
    client_id: string,
    change: (record: ClientRecord) => ClientRecord,
  ): Steps<ClientRecord | undefined> {
    const before = clientOf(yield* run(find, { client_id }))
    if (before === undefined) return undefined
    const after = change(before)
    yield* run(update, clientRow({ ...after, client_id }))
    for (const { digest } of before.secrets) {
      if (after.secrets.some((secret) => secret.digest === digest)) continue
      yield* run(removeSecret, { client_id, digest })
    }
    for (const { thumbprint } of before.certificates) {
      if (after.certificates.some((certificate) => certificate.thumbprint === thumbprint)) continue
      yield* run(removeCertificate, { client_id, thumbprint })
    }
    yield* putting(client_id, after)
    return clientOf(yield* run(find, { client_id }))
  }

  function* removing(client_id: string): Steps<boolean> {
    const [removed] = yield* run(remove, { client_id })
    return removed !== undefined
  }

  function* recording(uses: readonly ClientUse[]): Steps<void> {
    for (const { client_id, digest, thumbprint, at } of uses) {
      if (digest !== undefined) yield* run(secretUsed, { client_id, digest, at })
      if (thumbprint !== undefined) yield* run(certificateUsed, { client_id, thumbprint, at })
    }
  }

  return {
    // Without a promise where there is none: a look-up in SQLite costs no turn of the event loop.
    findClient: (client_id) => whenThere(engine.ask(find, { client_id }), clientOf),
    listClients: async () => clientsOf(await engine.ask(list, {})),
    async registeredAmong(thumbprints) {
      const rows = await Promise.all(
        thumbprints.map((thumbprint) => engine.ask(registered, { thumbprint })),
      )
      return rows.flat().map(({ thumbprint }) => thumbprint)
    },
    insertClient: async (record) => engine.change(() => inserting(record)),
    insertRegistered: async (record, room) => engine.change(() => registering(record, room)),
    changeClient: async (client_id, change) => engine.change(() => changing(client_id, change)),
    deleteClient: async (client_id) => engine.change(() => removing(client_id)),
    async recordUses(uses) {
      for (const slice of slices(latestUses(uses))) await engine.commit(() => recording(slice))
    },
  }
}
