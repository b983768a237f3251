from .budgets import budget as budget
from .budgets import images as images
from .data import ImageSet as ImageSet
from .data import embedded as embedded
from .data import split as split
from .fashion_mnist import load_fashion_mnist as load_fashion_mnist
from .growing import grow as grow
from .models import BasicBlock as BasicBlock
from .models import Bottleneck as Bottleneck
from .models import Plain as Plain
from .models import Residual as Residual
from .models import residual_block as residual_block
from .models import resnet18 as resnet18
from .models import resnet_block as resnet_block
from .models import six_n_plus_two as six_n_plus_two
from .results import History as History
from .results import within_band as within_band
from .training import evaluate as evaluate
from .training import fit as fit

__version__: str
