"""Assignment 2 done honestly, and everything in another way than in its source."""

OTHERWISE = {
    "task-2-1": """
class Unit(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))
        self.second = nn.Conv2d(channels, channels, (3, 3), padding="same")
        self.first = nn.Conv2d(before, channels, 3, stride, 1)
        self.across = nn.Conv2d(before, channels, 1, stride) if (
            stride > 1 or before != channels) else None

    def forward(self, x):
        y = self.second(torch.relu(self.norms[0](self.first(x))))
        skip = x if self.across is None else self.across(x)  # before the second batch norm
        return (skip + self.norms[1](y)).clamp(min=0)


class Net(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.scores = nn.Linear(d.widths[-1], d.num_classes)
        self.pool, self.stages, before = d.pooling, nn.ModuleList(), d.widths[0]
        for n, c, s in zip(d.blocks, d.widths, d.strides):
            units = [Unit(before if i == 0 else c, c, s if i == 0 else 1) for i in range(n)]
            self.stages.append(nn.Sequential(*units))
            before = c
        k = d.stem_kernel
        self.stem = nn.Conv2d(d.input_channels, d.widths[0], k, d.stem_strides, (k - 1) // 2)
        self.norm = nn.BatchNorm2d(d.widths[0])

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        x = F.max_pool2d(x, 3, 2, 1) if self.pool else x
        for stage in self.stages:
            x = stage(x)
        return self.scores(x.mean(dim=(2, 3)))


def build(design):
    return Net(design)
""",
    "task-2-2": """
def depth(d):
    return len([layer for n in d.blocks for layer in range(n) for _ in "ab"]) + 2


def parameters(d):
    convolutions, norms = [(d.stem_kernel, d.input_channels, d.widths[0])], d.widths[0]
    before = None
    for n, c, s in zip(d.blocks, d.widths, d.strides):
        before = before or c
        convolutions += [(3, before, c)] + [(3, c, c)] * (2 * n - 1)
        convolutions += [(1, before, c)] * ((before, 1) != (c, s))
        norms, before = norms + 2 * n * c, c
    total = sum((k * k * a + 1) * b for k, a, b in convolutions)
    return total + 2 * norms + (before + 1) * d.num_classes
""",
    "task-2-3": """
def multiply_adds(d, side):
    side = -(-side // d.stem_strides)
    work = [d.stem_kernel**2 * d.input_channels * d.widths[0] * side * side]
    side, before = (-(-side // 2) if d.pooling else side), d.widths[0]
    for n, c, s in zip(d.blocks, d.widths, d.strides):
        side = -(-side // s)
        taps = 9 * before + 9 * c * (2 * n - 1) + before * (s > 1 or c != before)
        work.append(taps * c * side * side)
        before = c
    return sum(work) + before * d.num_classes
""",
    "task-2-4": """
def largest_width(given, count):
    low, high = 1, 2
    while count(given.design(high)) <= given.budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = count(given.design(middle)) <= given.budget
        low, high = (middle, high) if fits else (low, middle)
    return low


def counted(d):
    return sum(each.numel() for each in build(d).parameters())


width = largest_width(specification(STUDENT), counted)
net = build(specification(STUDENT).design(width)).train()
""",
    "task-2-5": """
def receptive_fields(layers):
    found = []
    for end in range(1, len(layers) + 1):
        first, last, jump = 0, 0, 1  # what position 0 of the last map sees, from the end back
        for kernel, strides, padding in reversed(layers[:end]):
            first, last = first * strides - padding, last * strides - padding + kernel - 1
            jump *= strides
        found.append([last - first + 1, jump, first])
    return found


def way(d):
    layers = [[d.stem_kernel, d.stem_strides, (d.stem_kernel - 1) // 2]] + [[3, 2, 1]] * d.pooling
    for n, s in zip(d.blocks, d.strides):
        layers.extend([3, s if i == 0 else 1, 1] for i in range(2 * n))
    return layers
""",
    "task-2-6": """
def influence(net, X, row, column):
    X = torch.tensor(X.numpy(), requires_grad=True)
    net(X).sum(dim=1)[0, row, column].backward()
    return X.grad.norm(p=1, dim=1)[0]


def support(g):
    places = [(u, v) for u in range(len(g)) for v in range(len(g[0])) if g[u, v]]
    rows, columns = zip(*places)
    height, width = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    return [min(rows), min(columns), height, width]


def effective(g):
    return sum(2 * each >= g.max() for each in g.flatten())
""",
    "task-2-7": """
import numpy as np


def translate(weights):
    state = {}
    for name, array in weights.items():
        for old, new in (
            ("stem_conv", "stem.0"), ("stem_norm", "stem.1"), ("head_dense", "head.2"),
            ("_block1_", ".0."), ("shortcut_conv", "shortcut.0"), ("shortcut_norm", "shortcut.1"),
            ("norm", "bn"), ("/kernel", ".weight"), ("/bias", ".bias"), ("/gamma", ".weight"),
            ("/beta", ".bias"), ("/moving_mean", ".running_mean"),
            ("/moving_variance", ".running_var"),
        ):
            name = name.replace(old, new)
        state[name] = torch.from_numpy(np.moveaxis(array, (-1, -2), (0, 1)).copy()
                                       if array.ndim > 1 else array)
    return state


def loaded(weights):
    net = six_n_plus_two(8, BasicBlock, width=8, stem_strides=1).train(False)
    tensors, own = translate(weights), net.state_dict()
    with torch.no_grad():
        for name in tensors:
            own[name].copy_(tensors[name])
    return net
""",
    "task-2-8": """
def probabilities(net, X):
    return torch.stack([torch.exp(z - torch.logsumexp(z, 0)) for z in net(X)])


def contributions(net, X, k):
    kept = []
    hook = net.stage3.register_forward_hook(lambda layer, inputs, output: kept.append(output[0]))
    net(X)
    hook.remove()
    channels, height, width = kept[0].shape
    weighted = kept[0] * net.head[2].weight[k].reshape(channels, 1, 1) / (height * width)
    return weighted.sum(dim=0)


def evidence(net, X):
    first, second = net(X).topk(2).indices[0]
    return first, second, contributions(net, X, first) - contributions(net, X, second)
""",
}
