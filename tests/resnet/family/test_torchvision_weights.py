"""Weights go to torchvision and back, and the networks compute the same with them."""

import hashlib
import io
import socket
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models as vision
from torchvision.models import WeightsEnum

from resnet.family.torchvision_weights import (
    NoWeights,
    from_torchvision,
    pretrained,
    to_torchvision,
)
from resnet.family.variants import resnext, wide_bottleneck
from resnet.models import FAMILY, Bottleneck, resnet, resnet18, six_n_plus_two
from tests.support.programs import served

NETWORKS = {
    **{f"resnet{depth}": (depth, None) for depth in FAMILY},
    "wide_resnet50_2": (50, wide_bottleneck),
    "resnext50_32x4d": (50, resnext),
}
PAPERS_BOTTLENECK = partial(Bottleneck, stride_on_first=True)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@torch.no_grad()
def randomise_norms(model: nn.Module) -> nn.Module:
    """Random scales and shifts, and statistics near those of noise, so that what 152 layers put
    out in eval mode still depends on the image and an absolute tolerance says something."""
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        nn.init.uniform_(layer.weight, 0.3, 0.9)
        nn.init.uniform_(layer.bias, -0.3, 0.3)
        layer.momentum = 1.0
    model.train()(torch.randn(2, 3, 64, 64))
    for k, layer in enumerate(norms):
        layer.momentum = 0.1
        layer.running_mean += 0.1 * torch.randn_like(layer.running_mean)
        layer.running_var *= torch.empty_like(layer.running_var).uniform_(0.9, 1.7)
        layer.num_batches_tracked.fill_(k)
    return model


def pair(name: str, **options) -> tuple[nn.Module, nn.Module]:
    """Our network and torchvision's, with the same random weights."""
    depth, block = NETWORKS[name]
    torch.manual_seed(0)
    theirs = randomise_norms(getattr(vision, name)(weights=None, **options))
    ours = resnet(depth, block, **options)
    ours.load_state_dict(from_torchvision(theirs.state_dict()))
    return ours, theirs


def listed(names, fast=("resnet18",)):
    """As parameters, of which the deeper ones take seconds."""
    return [pytest.param(n, marks=[] if n in fast else pytest.mark.slow) for n in names]


DEPTHS = listed(FAMILY, fast=(18, 50))


@pytest.mark.parametrize("name", listed(NETWORKS))
def test_outputs_are_torchvisions(name):
    ours, theirs = pair(name)
    X = torch.randn(2, 3, 64, 64)
    for mode in (False, True):
        with torch.no_grad():
            mine, other = (net.train(mode)(X) for net in (ours, theirs))
        torch.testing.assert_close(mine, other, **CLOSE)
        assert 0.1 < other.std() < 10 and (other[0] - other[1]).std() > 0.05
    after = to_torchvision(ours.state_dict())  # the statistics have moved
    assert after.keys() == theirs.state_dict().keys()
    for key, tensor in theirs.state_dict().items():
        torch.testing.assert_close(after[key], tensor, **CLOSE)
    assert after["bn1.num_batches_tracked"] == 1 and after["layer1.0.bn1.num_batches_tracked"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_gradients_are_torchvisions(name):
    ours, theirs = pair(name, num_classes=7)
    X, y = torch.randn(4, 3, 64, 64), torch.arange(4)
    for net in (ours, theirs):
        F.cross_entropy(net.train()(X), y).backward()
    gradients = {key: parameter.grad for key, parameter in theirs.named_parameters()}
    expected = from_torchvision({**theirs.state_dict(), **gradients})
    for key, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[key], **CLOSE, msg=key)
        assert parameter.grad.any(), key


def test_the_outputs_depend_on_the_place_of_the_stride():
    """The same names and shapes: nothing but the outputs tells the paper's network from theirs."""
    torch.manual_seed(0)
    ours = randomise_norms(resnet(50, width=8, num_classes=3)).eval()
    papers = resnet(50, PAPERS_BOTTLENECK, width=8, num_classes=3).eval()
    papers.load_state_dict(from_torchvision(to_torchvision(ours.state_dict())))
    X = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert (ours(X) - papers(X)).abs().max() > 0.05


@pytest.mark.parametrize("depth", DEPTHS)
def test_there_and_back_changes_no_tensor(depth):
    with torch.device("meta"):
        ours = resnet(depth, num_classes=5).half().state_dict()
        theirs = getattr(vision, f"resnet{depth}")(num_classes=5).double().state_dict()
    for given, there, back in ((ours, to_torchvision, from_torchvision),
                               (theirs, from_torchvision, to_torchvision)):  # fmt: skip
        again = back(there(given))
        assert again.keys() == given.keys()
        assert all(again[key] is given[key] for key in given)
    assert list(from_torchvision(theirs)) == list(ours)
    shapes = {key: tensor.shape for key, tensor in from_torchvision(theirs).items()}
    assert shapes == {key: tensor.shape for key, tensor in ours.items()}


def test_another_stem_and_width_are_mapped_as_well():
    net = resnet(18, width=4, input_channels=1, num_classes=3, small_images=True).state_dict()
    theirs = to_torchvision(net)
    assert theirs["conv1.weight"].shape == (4, 1, 3, 3)
    assert all(tensor is net[key] for key, tensor in from_torchvision(theirs).items())


def test_files_from_before_the_counters_load():
    theirs = vision.resnet18(num_classes=2).state_dict()
    old = {key: t for key, t in theirs.items() if not key.endswith("num_batches_tracked")}
    mapped = from_torchvision(old)
    net = resnet(18, num_classes=2)
    net.load_state_dict(mapped)
    counters = [t for key, t in mapped.items() if key.endswith("num_batches_tracked")]
    assert len(counters) == 20 and not any(counters)
    assert len({id(t) for t in counters}) == 20 and counters[0].dtype == torch.int64


def without(state_dict, *names):
    return {key: tensor for key, tensor in state_dict.items() if key not in names}


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_first_missing_or_unknown_name_is_named(depth):
    with torch.device("meta"):
        ours = resnet(depth).state_dict()
    theirs, last, none = to_torchvision(ours), FAMILY[depth][1][2] - 1, torch.zeros(1)
    lost = (f"layer3.{last}.conv2.weight", "layer4.0.downsample.1.bias", "fc.bias")
    strange = {"layer2.0.conv4.weight": none, "other": none}
    us, them = f"our ResNet-{depth}", f"torchvision's ResNet-{depth}"
    for mapping, state_dict, words in (
        (from_torchvision, without(theirs, *lost), f"{lost[0]} of {them} is missing"),
        (to_torchvision, without(ours, "head.2.bias"), f"head.2.bias of {us} is missing"),
        (from_torchvision, theirs | strange, f"layer2.0.conv4.weight is not a name in {them}"),
        (to_torchvision, ours | {"other": none}, f"other is not a name in {us}"),
    ):
        with pytest.raises(ValueError, match=f"^{words}$"):
            mapping(state_dict)


def test_other_networks_are_refused():
    with torch.device("meta"):
        ours, theirs = resnet(18).state_dict(), vision.resnet18().state_dict()
        others = {
            "stem.0.weight": ours,
            "module.conv1.weight": {f"module.{key}": tensor for key, tensor in theirs.items()},
            "b1.0.weight": resnet18().state_dict(),
            "stem.0.bias": six_n_plus_two(8).state_dict(),
            "features.conv0.weight": vision.densenet121().state_dict(),
        }
    for name, state_dict in others.items():
        with pytest.raises(ValueError, match=r" is not a name in torchvision's ResNet-"):
            from_torchvision(state_dict)
        if name not in ours:
            with pytest.raises(ValueError, match=f"^{name} is not a name in our ResNet-"):
                to_torchvision(state_dict)
    with pytest.raises(ValueError, match=r"^conv1.weight of torchvision's ResNet-18 is missing$"):
        from_torchvision({})


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Random narrow weights in torchvision's format on a server here, and an empty cache.

    A function that sets the address from which torchvision's weights come: by default the right
    one, else that of a file that the caller names.
    """
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    written = io.BytesIO()
    torch.save(to_torchvision(resnet(18, width=2).state_dict()), written)
    folder = tmp_path / "served"
    folder.mkdir()
    name = f"resnet18-{hashlib.sha256(written.getvalue()).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(written.getvalue())
    with served(folder) as place:

        def address(file=name, content=None):
            if content is not None:
                (folder / file).write_bytes(content)
            monkeypatch.setattr(WeightsEnum, "url", property(lambda weights: f"{place}/{file}"))
            return folder / file

        yield address


def cached(tmp_path):
    return list((tmp_path / "cache").rglob("*.pth"))


def test_trained_weights_are_downloaded_once_and_fit(server, tmp_path):
    path = server()
    found = pretrained(18)
    expected = from_torchvision(torch.load(path))
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    resnet(18, width=2).load_state_dict(found)
    assert [file.name for file in cached(tmp_path)] == [path.name]
    path.unlink()
    assert pretrained(18).keys() == found.keys(), "the second time from the cache"
    assert socket.getdefaulttimeout() is None


def test_a_wrong_hash_or_a_truncated_file_is_one_sentence_and_nothing_is_kept(server, tmp_path):
    path = server()
    whole = path.read_bytes()
    for content in (whole, whole[:1000]):
        server("resnet18-00000000.pth", content)
        with pytest.raises(NoWeights, match="IMAGENET1K_V1 is damaged: invalid hash value") as told:
            pretrained(18)
        assert len(str(told.value).splitlines()) == 1 and cached(tmp_path) == []


class Running:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_damaged_file_in_the_cache_is_named_and_no_code_in_it_run(server, tmp_path):
    server()
    pretrained(18)
    (kept,) = cached(tmp_path)
    code = io.BytesIO()
    torch.save({"fc.weight": Running(tmp_path / "ran")}, code)
    for content in (b"", b"no weights", code.getvalue()):
        kept.write_bytes(content)
        with pytest.raises(NoWeights, match="is damaged: .*; delete .*resnet18-.* and try again"):
            pretrained(18)
    assert not (tmp_path / "ran").exists()
    kept.unlink()
    assert pretrained(18)


def test_a_missing_file_and_a_closed_port_are_one_sentence(server, monkeypatch):
    server("absent-00000000.pth")
    with pytest.raises(NoWeights, match="could not be had: HTTP Error 404"):
        pretrained(18)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/resnet18-00000000.pth"
    monkeypatch.setattr(WeightsEnum, "url", property(lambda weights: url))
    with pytest.raises(NoWeights, match="could not be had: .*refused"):
        pretrained(18)


def test_a_silent_server_is_not_waited_for(server, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/resnet18-00000000.pth"
        monkeypatch.setattr(WeightsEnum, "url", property(lambda weights: url))
        with pytest.raises(NoWeights, match="could not be had: .*timed out"):
            pretrained(18, seconds=0.2)
    assert socket.getdefaulttimeout() is None
