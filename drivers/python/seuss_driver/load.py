"""Turns an action's code into the function to call, by OpenWhisk's conventions for Python."""

import gc
import importlib
import importlib.util
import linecache
import os
import site
import sys
import types

from seuss_driver import generators

# The name that OpenWhisk gives the module, so that a guard on "__main__" does not run.
_MODULE = "main__"


class LoadError(Exception):
    """The code is complete nonsense to the conventions; the message says why."""


def load(main="main", source=None, filename="__main__.py", dir=None, **_):
    """Arguments are those of the `init` message. Returns a callable."""
    # What an import creates stays: looking for garbage in it costs more than it brings.
    gc.disable()
    try:
        module = _load_source(source, filename) if dir is None else _load_folder(dir)
        return _find(module, main, dir is not None)
    finally:
        gc.enable()
        generators.find()
        # Later collections leave these objects alone, and so the pages that clones share.
        gc.freeze()


def _load_source(source, filename):
    if not source:
        raise LoadError("Missing main/no code to execute.")
    module = types.ModuleType(_MODULE)
    module.__file__ = filename
    sys.modules[_MODULE] = module
    # Tracebacks show the lines of a file that does not exist.
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    return module


def _load_folder(dir):
    os.chdir(dir)
    sys.path.insert(0, dir)
    _activate(os.path.join(dir, "virtualenv"))
    path = os.path.join(dir, "__main__.py")
    if not os.path.isfile(path):
        raise LoadError("Zip file does not include mandatory files: __main__.py is missing.")
    spec = importlib.util.spec_from_file_location(_MODULE, path, submodule_search_locations=None)
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _activate(virtualenv):
    """A virtual environment made by virtualenv brings a script for this; one made by venv does not."""
    script = os.path.join(virtualenv, "bin", "activate_this.py")
    if os.path.isfile(script):
        with open(script, encoding="utf-8") as file:
            code = compile(file.read(), script, "exec", dont_inherit=True)
        exec(code, {"__file__": script, "__name__": "__main__"})
    elif os.path.isdir(virtualenv):
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site.addsitedir(os.path.join(virtualenv, "lib", version, "site-packages"))


def _find(module, main, in_folder):
    names = main.split(".")
    function = _walk(module, names)
    if function is None and in_folder and len(names) > 1:
        function = _walk(importlib.import_module(".".join(names[:-1])), names[-1:])
    if not callable(function):
        raise LoadError(f"Action entrypoint '{main}' is not a function.")
    return function


def _walk(root, names):
    for name in names:
        root = getattr(root, name, None)
    return root
