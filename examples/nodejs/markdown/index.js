const { marked } = require('marked');

/** `{text}` in Markdown → `{html}`. */
exports.main = async ({ text = '# Hello\n\nThis is **Seuss**.' }) => ({ html: await marked.parse(text) });
