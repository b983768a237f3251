from .verdicts import network as network
from .verdicts import residual as residual
