/** What was measured, as Markdown. The first row of a table is what the others are divided by. */

import { ratioOf } from './ratios.mjs'

export function scenarioTable({ rows }) {
  return rows[0].start === undefined ? loadTable(rows) : startTable(rows)
}

export function targetTable(results) {
  return table(
    ['measure', 'target', 'measured', 'met', ''],
    results.flatMap(({ targets }) =>
      targets.map(({ measure, sign, bound, value, met, note = '' }) => [
        measure,
        `${sign} ${bound}`,
        value.toFixed(value < 10 ? 2 : 0),
        met ? 'yes' : '**no**',
        note,
      ]),
    ),
  )
}

function loadTable(rows) {
  const first = rows[0]
  const foreign = Math.max(...rows.map(({ foreignBusy }) => foreignBusy))
  const text = table(
    [
      'server',
      'req/s',
      '÷ first',
      'p50 ms',
      'p99 ms',
      'p99 ÷ first',
      'server CPU µs/req',
      'CPU ÷ first',
      'server CPU %',
      'client CPU %',
      'peak RSS MB',
      'spread',
    ],
    rows.map((row) => [
      row.server,
      row.rate.toFixed(0),
      ratioOf('rate', row, first).toFixed(2),
      row.p50.toFixed(2),
      row.p99.toFixed(2),
      ratioOf('p99', row, first).toFixed(2),
      row.cpu.toFixed(0),
      ratioOf('cpu', row, first).toFixed(2),
      percent(row.serverBusy),
      percent(row.clientBusy),
      row.memory.toFixed(0),
      `${percent(row.spread)}%`,
    ]),
  )
  if (foreign < 0.05) return text
  return `${text}\n\nOther work took up to ${percent(foreign)} % of a core meanwhile: these figures are not worth much.`
}

function startTable(rows) {
  return table(
    ['server', 'first start ms', 'warm ms', 'spread'],
    rows.map(({ server, cold, start, spread }) => [
      server,
      cold.toFixed(0),
      start.toFixed(0),
      `${percent(spread)}%`,
    ]),
  )
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function percent(share) {
  return (share * 100).toFixed(0)
}
