"""Image sets beyond Fashion-MNIST: folders of photographs, CIFAR-10, augmentation."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
