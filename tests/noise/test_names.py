"""The words for kinds and doubts."""

from chnorm_cli.noise.names import Doubt, Kind


def test_each_doubt_has_a_sentence_of_its_own():
    sentences = [doubt.sentence for doubt in Doubt]
    assert len(set(sentences)) == len(list(Doubt))
    assert all(s and not s.endswith(".") and s[0].islower() for s in sentences)


def test_kinds_are_what_one_types():
    assert [*map(str, Kind)] == [
        "auto",
        "gaussian",
        "poisson",
        "poisson-gaussian",
        "speckle",
        "mixed",
        "free",
    ]
