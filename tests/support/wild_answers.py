"""What dishonest and unlucky students put before an answer: none of it may earn or cost others.

Each text keeps the answer behind it from being defined, or spoils it, so its task earns nothing.
"""

# By name: what the part is called afterwards, None where that depends on the system; the text. One
# of each kind: what else ends, fills or spoils the sandbox is tried in the sandbox's own tests.
STOPPED = {
    "an endless loop": ("time", "while True:\n    pass"),
    "an endless loop in C": ("time", "sum(iter(int, 1))"),
    "a bomb of threads": (
        None,
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(1000,)).start()",
    ),
    "a memory bomb": (None, "held = []\nwhile True:\n    held.append(bytearray(100_000_000))"),
    "a tensor of a petabyte": (None, "import torch\ntorch.zeros(10**15)"),
    "a full disk": (
        None,
        'with open("/tmp/full", "wb") as file:\n    while True:\n'
        "        file.write(bytes(10_000_000))",
    ),
    "sys.exit": ("error", "import sys\nsys.exit()"),
    "os._exit": ("died", "import os\nos._exit(0)"),
    "a recursion without end": ("error", "def again():\n    again()\n\n\nagain()"),
    "a name from the network": ("error", 'import socket\nsocket.gethostbyname("example.org")'),
    "IPython": (
        "error",
        "from IPython import get_ipython\n"
        "get_ipython().input_transformers_post.append(lambda lines: [])",
    ),
}

# Ends in an error that tells which files of the course, or of others, it found.
SEARCH = """
import os
found = []
for folder, inner, names in os.walk("/"):
    passed = ("proc", "sys", "usr", "lib", "site-packages", "dist-packages")
    inner[:] = [name for name in inner if name not in passed]
    wanted = (".ipynb", ".toml", "answers.py", "reference.py", "results", "key.txt", ".csv")
    found += [os.path.join(folder, name) for name in names if name.endswith(wanted)]
raise RuntimeError(f"found {found}")
"""
# Reads, else writes, the file at a path.
TAKE = """
text = open({path!r}).read()
raise RuntimeError(text)
"""
SPOIL = """
with open({path!r}, "w") as file:
    file.write("spoilt")
"""

SAME = '''
class Same:
    """An object that equals everything and can everything."""

    def __eq__(self, other):
        return True

    __ne__ = __bool__ = __le__ = __ge__ = __eq__
    __hash__ = None

    def __call__(self, *arguments, **settings):
        return self

    __getattr__ = __getitem__ = __add__ = __mul__ = __call__

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return True


'''

PICKLED = '''
class Pickled:
    """Pickling or copying it runs code."""

    def __call__(self, *arguments, **settings):
        return Pickled()

    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/pickled",)

    __reduce_ex__ = lambda self, version: self.__reduce__()


'''

SUBCLASS = """
import torch


class Equal(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), settings=None):
        return True


def equal(*arguments, **settings):
    return torch.zeros(1).as_subclass(Equal)


"""

PATCHES = {
    "torch": (
        "import torch\ntorch.allclose = torch.equal = torch.isclose = lambda *a, **s: True\n"
        "torch.Tensor.__eq__ = lambda *a: True\ntorch.Tensor.tolist = lambda self: [0.0]\n"
    ),
    "builtins": (
        "import builtins\nbuiltins.all = builtins.any = lambda *a: True\n"
        "builtins.abs = lambda x: 0\nbuiltins.isinstance = lambda *a: True\n"
        "builtins.AssertionError = type('Nothing', (Exception,), {})\n"
    ),
    "json": (
        'import json\njson.dumps = lambda *a, **s: \'{"status": "ok", "value": true}\'\n'
        "json.JSONEncoder.encode = lambda *a: '[]'\n"
    ),
    "the answer": (
        "import os\nfor number in range(3, 20):\n    try:\n"
        '        os.write(number, b\'{"status": "ok", "value": 1, "errors": []}\')\n'
        "    except OSError:\n        pass\nos._exit(0)\n"
    ),
    "observe": (
        "def observe(seed):\n    return {}\n\n\nimport builtins\nbuiltins.observe = observe\n"
    ),
    "numpy": (
        "import numpy\nnumpy.allclose = numpy.array_equal = lambda *a, **s: True\n"
        "numpy.random.default_rng = lambda *a: None\n"
    ),
    "everything imported": (
        "import sys\nfor name in ('encoding', 'part', '__main__', 'values'):\n"
        "    module = sys.modules.get(name)\n    for own in list(vars(module) if module else ()):\n"
        "        if callable(getattr(module, own)) and not own.startswith('__'):\n"
        "            setattr(module, own, lambda *a, **s: True)\n"
    ),
}

# Wild, and no harm to the answer behind.
HARMLESS = {
    "loud": 'import os\nprint("x" * 10**8)\nfor _ in range(200):\n    os.write(1, bytes(10**7))',
    "threads": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()",
    "leaving": "import atexit, os\natexit.register(os._exit, 1)",
    "files": 'open("/tmp/mine", "w").write("mine")',
}
