"""The mutants of the laws fit the code as it is; ``make mutants`` tries them."""

from tests.laws.mutants import MUTANTS, ROOT, misfits

LAWS = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"}


def test_every_law_has_a_mutant_and_every_patch_still_applies():
    assert {one.law.split()[0] for one in MUTANTS} == LAWS
    assert misfits() == []
    assert all(one.old != one.new for one in MUTANTS)


def test_the_tests_that_must_notice_are_there():
    for one in MUTANTS:
        file, _, name = one.tests.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_a_patch_that_no_longer_applies_is_told():
    gone = MUTANTS[0]._replace(old="this was never written\n")
    assert misfits((gone,)) == ["1 batching changes nothing: operators/sessions/shard.py: " + gone.breaks]
