"""Residual networks by experiment: the small module that the book's chapters import.

At the top is what chapters 1 to 3 need, to be read in an afternoon and in this order:

    models         the blocks, and the networks that they make
    data           images with labels, and those that come with the package
    fashion_mnist  all of Fashion-MNIST, from wherever it is had
    training       the training loop, `fit`, and `evaluate`
    results        the history of a run, intervals, bands to hold numbers to
    growing        deeper networks that compute the same function
    probes         what to look at inside a network
    budgets        how much the chapters run
    runs           stored runs of whole grids
    plots          curves from results
    diagrams       drawn blocks and networks
    openings       the picture that opens each chapter

The rooms below it hold the rest:

    family       blocks that differ by one change, ResNet-18 to 152, weights of torchvision
    check        says what is wrong with a block or a network of your own
    experiments  grids of many runs, what they measure, the claims that rest on them
    datasets     folders of photographs, CIFAR-10, augmentation
    trainer      `python -m resnet train`, on one device or many
    kept         which stored run is taken up again, and which is another
    runtime      device and precision, the optimiser, checkpoints, files, processes
    course       what students are given in the assignments
"""

from .faces import face
from .runtime.waiting import wait_passively

__version__ = "0.2.0"
wait_passively()  # here, because torch may be loaded by any module below
__getattr__, __dir__ = face(__name__)
