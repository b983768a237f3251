"""The tests of the block are tried themselves."""

from tools import mutants


def test_an_edit_that_does_not_apply_is_reported(monkeypatch, capsys):
    monkeypatch.setattr(mutants, "MUTANTS", {"outdated": ("no such text", "anything")})
    assert mutants.main([]) == 1
    assert "'no such text' stands 0 times" in capsys.readouterr().err


def test_a_survivor_is_reported(monkeypatch, capsys):
    monkeypatch.setattr(mutants, "MUTANTS", {"harmless": (mutants.ADD, mutants.ADD)})
    monkeypatch.setattr(mutants, "failing_test", lambda document: None)
    assert mutants.main([]) == 1
    assert "not caught: harmless" in capsys.readouterr().err
