"""Renders a page from a Jinja2 template that lies beside the code (python3-jinja2)."""

from jinja2 import Environment, FileSystemLoader

page = Environment(loader=FileSystemLoader("."), autoescape=True).get_template("page.html")


def main(args):
    topics = args.get("topics", ["snapshots", "unikernels"])
    return {"html": page.render(name=args.get("name", "stranger"), topics=topics)}
