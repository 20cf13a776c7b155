const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const mustache = require('mustache');

const template = readFileSync(join(__dirname, 'invoice.mustache'), 'utf8');

/** `{customer, items: [{what, count, price}]}` → `{text, total}`; amounts in cents. */
exports.main = ({ customer = 'Ada', items = [{ what: 'tea', count: 2, price: 350 }] }) => {
  const lines = items.map((item) => ({ ...item, sum: item.count * item.price }));
  const total = lines.reduce((sum, line) => sum + line.sum, 0);
  return { text: mustache.render(template, { customer, lines, total }), total };
};
