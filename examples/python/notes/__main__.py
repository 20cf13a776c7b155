"""Renders Markdown with a table of contents (python3-markdown)."""

import markdown

SAMPLE = "[TOC]\n\n# Start\n\nIn *milliseconds*.\n\n## Cold\n\n## Warm\n"


def main(args):
    return {"html": markdown.markdown(args.get("text", SAMPLE), extensions=["toc", "tables"])}
