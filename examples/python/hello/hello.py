"""The smallest function: one file, one function."""


def main(args):
    return {"greeting": f"Hello, {args.get('name', 'stranger')}!"}
