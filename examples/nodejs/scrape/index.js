const { load } = require('cheerio');

const SAMPLE = '<h1>Seuss</h1><p><a href="/start">Start</a> and <a href="/docs">read</a>.</p>';

/** `{html}` → its headings and links. */
exports.main = ({ html = SAMPLE }) => {
  const page = load(html);
  return {
    headings: page('h1, h2, h3')
      .toArray()
      .map((node) => page(node).text()),
    links: page('a[href]')
      .toArray()
      .map((node) => page(node).attr('href')),
  };
};
