import { parse } from 'csv-parse/sync';

/** `{csv, by, sum}` → totals of column `sum` grouped by column `by`. */
export function main({ csv = 'city,sales\nBoston,3\nWien,5\nBoston,4\n', by = 'city', sum = 'sales' }) {
  const totals = {};
  for (const row of parse(csv, { columns: true, skip_empty_lines: true })) {
    totals[row[by]] = (totals[row[by]] ?? 0) + Number(row[sum]);
  }
  return { totals };
}
