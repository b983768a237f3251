"""Says in a sentence why a learner's code failed, where torch's own words do not say it well."""

import re

from torch import Tensor

SIGNATURE = "(input_channels, num_channels, use_1x1conv=False, strides=1)"
ADDITIONS = {"add", "add_", "sub", "sub_", "__add__", "__iadd__", "__radd__", "__sub__", "__isub__"}
# What torch says, and what a learner reads; LAYER is the layer that fails.
SENTENCES = {
    r"to have (?P<takes>\d+) channels, but got (?P<gets>\d+) channels": (
        "LAYER takes {takes} channels and gets {gets}."
    ),
    r"running_mean should contain (?P<gets>\d+) elements not (?P<takes>\d+)": (
        "LAYER takes {takes} channels and gets {gets}."
    ),
    r"cannot be multiplied \(\d+x(?P<gets>\d+) and (?P<takes>\d+)x\d+\)": (
        "LAYER takes {takes} numbers per image and gets {gets}."
    ),
    r"Kernel size can't be greater than actual input size": (
        "the kernel of LAYER is larger than the map that it gets."
    ),
    r"Sizes of tensors must match except in dimension": (
        "the maps that are concatenated differ in more than their channels, and a residual block "
        "adds them."
    ),
    r"modified by an inplace operation|is being used in an in-place operation": (
        "something that the backward pass needs is changed in place (+=, relu_ or inplace=True): "
        "write the result into a new tensor."
    ),
    r"Expected more than 1 value per channel": (
        "a batch norm gets one number per channel and cannot take its variance: the maps are too "
        "small."
    ),
    r"forward returns a NoneType": "forward returns nothing: its return is missing.",
    r'missing the required "forward" function': (
        "it has no method forward: is the name misspelt, or is it not indented into the class?"
    ),
    r"before Module.__init__\(\) call|super\(\).__init__\(\)": (
        "its constructor must begin with super().__init__()."
    ),
}


def explained(error: BaseException, call: tuple[str, tuple[str, ...], list[Tensor]] | None) -> str:
    """A sentence for a learner, or nothing where torch's own words are all that is known.

    `call` is the call of torch that failed: its name, the model's tensors in it, all tensors.
    """
    if isinstance(error, SystemExit):
        return "it ends the program (sys.exit or raise SystemExit): leave that out."
    if isinstance(error, KeyboardInterrupt):
        return "it raises KeyboardInterrupt: leave that out."
    text = str(error)
    if isinstance(error, TypeError) and _not_entered(error) and "__init__()" in text:
        return f"its constructor must take {SIGNATURE}: {text}."
    name, members, given = call or ("", (), [])
    types = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in given})
    if len(types) > 1 and re.search("type", text):
        return (
            f"it computes with {' and '.join(types)} in one step: the block keeps the type that it "
            "gets, and precision is chosen outside of it (torch.autocast)."
        )
    if re.search(r"size of tensor a|match the broadcast shape", text) and len(given) > 1:
        ours, theirs = (tuple(tensor.shape) for tensor in given[:2])
        what = "added" if name in ADDITIONS else "combined"
        return f"the shapes {ours} and {theirs} cannot be {what}."
    layer = (members[0].rpartition(".")[0] or members[0]) if members else "a layer"
    for pattern, sentence in SENTENCES.items():
        if match := re.search(pattern, text):
            return sentence.replace("LAYER", layer).format(**match.groupdict())
    return ""


def fingerprint(failure: str) -> tuple:
    """What failures of the same kind share: phase, exception and numbers, but not the words."""
    phase, _, rest = failure.partition(": ")
    kind, _, text = rest.partition(": ")
    text = re.sub(r"version \d+", "", text)  # how often something was changed in place
    return phase, kind, sorted(re.findall(r"\d+", text))


def _not_entered(error: BaseException) -> bool:
    """The call itself failed: its arguments are not those of the signature."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_code.co_name == "built"
