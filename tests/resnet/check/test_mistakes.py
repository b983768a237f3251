"""The sentences of the usual mistakes: each mistake has one, and each is said of one."""

import pytest

from resnet.check.block_mistakes import BLOCK
from resnet.check.learning_mistakes import LEARNING
from resnet.check.mistakes import SENTENCES, told
from resnet.check.network_mistakes import NETWORK


def test_each_sentence_belongs_to_a_mistake():
    named = {mistake.name: mistake.sentence for mistake in (*BLOCK, *LEARNING, *NETWORK)}
    assert named == SENTENCES


def test_a_mistake_without_a_sentence_is_refused():
    with pytest.raises(KeyError, match="no such mistake"):
        told([("no such mistake", lambda block: None)])
