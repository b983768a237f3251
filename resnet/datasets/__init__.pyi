from .augmentation import augmented as augmented
from .cifar10 import load_cifar10 as load_cifar10
from .image_folder import load_image_folder as load_image_folder
